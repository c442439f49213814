//! Results of the tools that the demo's client pretends to have.

use serde_json::{Value, json};

const SOURCE: &str = "     1\tpub fn next(&mut self) -> Option<Duration> {\n     2\t    if self.attempts >= self.max_seconds {\n     3\t        return None;\n     4\t    }\n     5\t    self.attempts += 1;\n     6\t    Some(self.backoff.jittered(self.attempts))\n     7\t}\n";
const TESTS: &str = "   Compiling uploader v0.4.1\n    Finished test profile in 3.18s\n\u{1b}[1mrunning 14 tests\u{1b}[0m\ntest retry::gives_up_in_time ... \u{1b}[32mok\u{1b}[0m\ntest retry::keeps_jitter ... \u{1b}[32mok\u{1b}[0m\n\ntest result: \u{1b}[32mok\u{1b}[0m. 14 passed; 0 failed";
const LINT_ERROR: &str = "\u{1b}[31merror\u{1b}[0m  'useMemo' is defined but never used  no-unused-vars\n\n1 problem (1 error, 0 warnings)";

/// The block that answers a call.
pub fn result(id: &str, name: &str, input: &Value) -> Value {
    let (content, failed) = output(name, input);
    json!({"type": "tool_result", "tool_use_id": id, "content": content, "is_error": failed})
}

fn output(name: &str, input: &Value) -> (String, bool) {
    let text = |field: &str| input.get(field).and_then(Value::as_str).unwrap_or_default();
    match name {
        "Bash" if text("command").contains("lint") => (LINT_ERROR.into(), true),
        "Bash" if text("command").contains("git log") => {
            ("9c1f2aa drain: keep order\n1d0b7e3 drain: first version".into(), false)
        }
        "Bash" => (TESTS.into(), false),
        "Read" => (SOURCE.into(), false),
        "Grep" => ("src/queue/drain.rs:88: if attempts > max_seconds {".into(), false),
        "Glob" => ("src/download/loop.rs\nsrc/download/mod.rs".into(), false),
        "Edit" | "Write" => (format!("The file {} has been updated.", text("file_path")), false),
        "TodoWrite" => ("Todos have been modified successfully.".into(), false),
        _ => ("Done.".into(), false),
    }
}

/// The tools as a client declares them.
pub fn declarations() -> Value {
    let names = ["Agent", "Bash", "Edit", "Glob", "Grep", "Read", "TodoWrite", "Write"];
    names
        .map(|name| {
            json!({"name": name, "description": format!("{name}, as the client has it."),
                   "input_schema": {"type": "object", "additionalProperties": true}})
        })
        .into_iter()
        .collect()
}
