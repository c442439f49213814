//! JSON as a tree that folds.

use serde_json::Value;

use crate::view::{escape, put};

/// Nesting shown; what lies deeper is shown as text.
const DEPTH: usize = 24;
/// Members shown per level.
const MEMBERS: usize = 500;
/// Characters shown of one string.
const STRING: usize = 20_000;

/// HTML of a value. Levels down to `open` are laid open.
pub fn json_tree(value: &Value, open: usize) -> String {
    let mut out = String::from("<div class=\"json\">");
    push(&mut out, None, value, 0, open);
    out.push_str("</div>");
    out
}

fn push(out: &mut String, key: Option<&str>, value: &Value, depth: usize, open: usize) {
    let name =
        key.map(|key| format!("<span class=\"k\">{}</span>: ", escape(key))).unwrap_or_default();
    match value {
        Value::Object(_) | Value::Array(_) if depth >= DEPTH => {
            leaf(out, &name, "", &escape(&cut(&value.to_string(), STRING)));
        }
        Value::Object(members) if !members.is_empty() => {
            let size = members.len();
            fold(out, &format!("{name}<span class=\"muted\">{{{size}}}</span>"), depth < open);
            for (key, member) in members.iter().take(MEMBERS) {
                push(out, Some(key), member, depth + 1, open);
            }
            close(out, size);
        }
        Value::Array(members) if !members.is_empty() => {
            let size = members.len();
            fold(out, &format!("{name}<span class=\"muted\">[{size}]</span>"), depth < open);
            for (index, member) in members.iter().take(MEMBERS).enumerate() {
                push(out, Some(&index.to_string()), member, depth + 1, open);
            }
            close(out, size);
        }
        Value::String(text) => {
            leaf(out, &name, "s", &format!("&quot;{}&quot;", escape(&cut(text, STRING))));
        }
        other => leaf(out, &name, "n", &escape(&other.to_string())),
    }
}

fn fold(out: &mut String, summary: &str, open: bool) {
    out.push_str(if open { "<details open><summary>" } else { "<details><summary>" });
    out.push_str(summary);
    out.push_str("</summary>");
}

fn close(out: &mut String, size: usize) {
    if size > MEMBERS {
        leaf(out, "", "muted", &format!("… {} more", size - MEMBERS));
    }
    out.push_str("</details>");
}

fn leaf(out: &mut String, name: &str, class: &str, value: &str) {
    put(
        out,
        format_args!("<div class=\"leaf\">{name}<span class=\"{class}\">{value}</span></div>"),
    );
}

/// The beginning of a text, with what was left out said.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}… ({} more bytes)", &text[..end], text.len() - end),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_escaped_and_bounded() {
        let html = json_tree(&serde_json::json!({"<k>": ["<v>", 1, null, {}]}), 1);
        assert!(html.contains("&lt;k&gt;") && html.contains("&lt;v&gt;") && !html.contains("<v>"));
        let mut deep = Value::Null;
        for _ in 0..100 {
            deep = serde_json::json!([deep]);
        }
        assert!(json_tree(&deep, 3).matches("<details").count() <= DEPTH);
        let wide = Value::Array(vec![Value::Null; 2000]);
        assert!(json_tree(&wide, 1).contains("1500 more"));
    }
}
