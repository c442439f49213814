//! Tool calls with their results, the well-known tools as a person would want to see them.

use nexus_messages::transcript::{Content, ToolOutcome};
use serde_json::Value;

use super::{block, diff_html, json::cut, json_tree, spark_card};
use crate::view::escape;

/// A call, folded to one line, with its result inside.
pub fn call(
    id: &str,
    name: &str,
    input: &Value,
    server: bool,
    outcome: Option<&ToolOutcome>,
) -> String {
    if let Some(card) = outcome.and_then(|outcome| spark_card::recommendation(name, outcome)) {
        return spark_card::html(&card);
    }
    let failed = outcome.is_some_and(|outcome| outcome.is_error);
    let state = match outcome {
        None => "<span class=\"chip warn\">no result yet</span>",
        Some(_) if failed => "<span class=\"chip bad\">error</span>",
        Some(_) => "",
    };
    let by = if server { "<span class=\"chip\">run by the API</span>" } else { "" };
    format!(
        "<details class=\"tool{}\"{}><summary><span class=\"name\">{}</span><span class=\"arg clip grow\">{}</span>{by}{state}</summary>{}{}</details>",
        if failed { " error" } else { "" },
        if failed || is_change(name) { " open" } else { "" },
        escape(name),
        escape(&cut(&argument(name, input), 300)),
        input_html(name, input),
        outcome.map(|outcome| output(id, outcome)).unwrap_or_default(),
    )
}

/// A result whose call is not in the reading.
pub fn result_alone(outcome: &ToolOutcome) -> String {
    let class = if outcome.is_error { "tool error" } else { "tool" };
    format!(
        "<div class=\"{class}\"><div class=\"bar\"><span class=\"name\">Result</span></div>{}</div>",
        output(&outcome.id, outcome)
    )
}

fn is_change(name: &str) -> bool {
    matches!(name, "Edit" | "MultiEdit" | "Write" | "TodoWrite")
}

/// The one value that says most about a call.
fn argument(name: &str, input: &Value) -> String {
    let fields: &[&str] = match name {
        "Bash" => &["command"],
        "Task" | "Agent" => &["description", "prompt"],
        "Grep" | "Glob" => &["pattern"],
        "WebFetch" => &["url"],
        "TodoWrite" => &[],
        _ => &[
            "file_path",
            "notebook_path",
            "path",
            "query",
            "url",
            "command",
            "pattern",
            "name",
            "prompt",
        ],
    };
    let found = fields.iter().find_map(|field| input.get(field).and_then(Value::as_str));
    found.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn input_html(name: &str, input: &Value) -> String {
    let text = |field: &str| input.get(field).and_then(Value::as_str);
    let inner = match name {
        "Bash" => {
            text("command").map(|command| format!("<pre>$ {}</pre>", escape(&cut(command, 20_000))))
        }
        "Edit" => change(input),
        "MultiEdit" => input
            .get("edits")
            .and_then(Value::as_array)
            .map(|edits| edits.iter().filter_map(change).collect()),
        "Write" => text("content").map(|content| diff_html("", content)),
        "TodoWrite" => input.get("todos").and_then(Value::as_array).map(|todos| todo_list(todos)),
        "Task" | "Agent" => {
            text("prompt").map(|prompt| format!("<pre>{}</pre>", escape(&cut(prompt, 20_000))))
        }
        _ => None,
    };
    let inner = inner.unwrap_or_else(|| json_tree(input, 2));
    format!(
        "<div class=\"io\">{}</div>",
        if inner.starts_with("<div class=\"json\"") {
            format!("<div class=\"label\">Input</div><pre>{inner}</pre>")
        } else {
            inner
        }
    )
}

fn change(edit: &Value) -> Option<String> {
    let old = edit.get("old_string").and_then(Value::as_str)?;
    Some(diff_html(old, edit.get("new_string").and_then(Value::as_str)?))
}

fn todo_list(todos: &[Value]) -> String {
    let entries = todos.iter().map(|todo| {
        let text = todo.get("content").and_then(Value::as_str).unwrap_or_default();
        let (mark, class, word) = match todo.get("status").and_then(Value::as_str) {
            Some("completed") => ("☑", "done", "done"),
            Some("in_progress") => ("◐", "", "in progress"),
            _ => ("☐", "", "open"),
        };
        format!("<li><span role=\"img\" aria-label=\"{word}\">{mark}</span><span class=\"{class}\">{}</span></li>", escape(&cut(text, 2000)))
    });
    format!("<ul class=\"todo\">{}</ul>", entries.collect::<String>())
}

fn output(id: &str, outcome: &ToolOutcome) -> String {
    let label = if outcome.is_error { "Error" } else { "Result" };
    let parts = outcome.content.iter().enumerate().map(|(index, part)| match part {
        Content::Text { text } => {
            format!("<pre tabindex=\"0\">{}</pre>", super::ansi(&cut(text, 60_000)))
        }
        Content::Image { source } => {
            format!("<pre>{}</pre>", block::image(&format!("{}~{index}", outcome.id), source))
        }
        other => format!("<pre>{}</pre>", block::html(id, other)),
    });
    let parts: String = parts.collect();
    let parts =
        if parts.is_empty() { "<pre class=\"muted\">(nothing)</pre>".into() } else { parts };
    format!(
        "<div class=\"io out\" id=\"{}\"><div class=\"label\">{label}</div>{parts}</div>",
        escape(&outcome.id)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(text: &str, is_error: bool) -> ToolOutcome {
        ToolOutcome {
            id: "x-q1".into(),
            is_error,
            content: vec![Content::Text { text: text.into() }],
        }
    }

    #[test]
    fn an_edit_is_a_diff_and_a_command_has_its_coloured_output() {
        let edit = serde_json::json!({"file_path": "a.rs", "old_string": "let a = 1;", "new_string": "let a = 2;"});
        let html = call("i", "Edit", &edit, false, Some(&outcome("ok", false)));
        assert!(
            html.contains("class=\"del\"")
                && html.contains("class=\"add\"")
                && html.contains("a.rs")
        );
        let bash = call(
            "i",
            "Bash",
            &serde_json::json!({"command": "ls"}),
            false,
            Some(&outcome("\u{1b}[31mred", true)),
        );
        assert!(
            bash.contains("$ ls")
                && bash.contains("ansi-31")
                && bash.contains("tool error")
                && bash.contains(" open>")
        );
    }

    #[test]
    fn a_todo_list_is_a_list() {
        let input =
            serde_json::json!({"todos": [{"content": "write <tests>", "status": "completed"}]});
        let html = call("i", "TodoWrite", &input, false, None);
        assert!(
            html.contains("write &lt;tests&gt;")
                && html.contains("no result yet")
                && html.contains("done")
        );
    }
}
