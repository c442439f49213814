//! From a block's JSON to what it says.

use serde_json::Value;

use super::{
    block::{str_of, text_of, type_of},
    item::{Content, ToolOutcome},
    reminder::{self, Part},
};
use crate::text::{continuation, next_reminder};

/// What stands before the summary itself; the newer wording first.
const SUMMARY_MARKS: [&str; 2] = ["Summary:", "The conversation is summarized below:"];

/// What a block says. Texts are cut into the plain parts and the reminders.
pub(super) fn contents(id: &str, role: &str, value: &Value) -> Vec<Content> {
    match text_of(value) {
        Some(text) if role == "system" => {
            vec![Content::Reminders { texts: vec![text.trim().into()] }]
        }
        Some(text) => texts(role, text, value),
        None => vec![block(id, role, value)],
    }
}

/// A plain text of `role`.
pub(super) fn plain(role: &str, text: &str) -> Content {
    match summary_in(text) {
        _ if role == "assistant" => {
            Content::Assistant { text: text.to_owned(), citations: Vec::new() }
        }
        Some(summary) => Content::Compaction { summary: summary.to_owned() },
        None => Content::Human { text: text.to_owned() },
    }
}

fn texts(role: &str, text: &str, value: &Value) -> Vec<Content> {
    if role == "assistant" {
        // A model's answer may speak of the tags; only a client's texts are cut at them.
        return vec![Content::Assistant {
            text: text.to_owned(),
            citations: list(value, "citations"),
        }];
    }
    if summary_in(text).is_some() {
        return summarised(role, text);
    }
    cut(text, |text| plain(role, text))
}

/// Newer clients put reminders between the summary's introduction and the summary.
fn summarised(role: &str, text: &str) -> Vec<Content> {
    let reminders = reminder::split(text).into_iter().filter_map(|part| match part {
        Part::Reminder(text) => Some(Content::Reminders { texts: vec![text.to_owned()] }),
        Part::Plain(_) => None,
    });
    [plain(role, &reminder::plain(text))].into_iter().chain(reminders).collect()
}

fn cut(text: &str, plain: impl Fn(&str) -> Content) -> Vec<Content> {
    let parts = reminder::split(text).into_iter().map(|part| match part {
        Part::Plain(text) => plain(text),
        Part::Reminder(text) => Content::Reminders { texts: vec![text.to_owned()] },
    });
    parts.collect()
}

/// The summary in a text that goes on from one.
pub(super) fn summary_in(text: &str) -> Option<&str> {
    continuation(text).map(summary_of)
}

/// Whether a summary, or its beginning, was written by an answer that says `text`.
pub fn wrote_summary(text: &str, summary: &str) -> bool {
    let line = summary.lines().map(str::trim).find(|line| !line.is_empty());
    line.is_some_and(|line| text.contains(line))
}

fn summary_of(text: &str) -> &str {
    let found = SUMMARY_MARKS.iter().find_map(|mark| text.split_once(mark));
    found.map_or(text, |(_, summary)| summary).trim()
}

fn block(id: &str, role: &str, value: &Value) -> Content {
    let kind = type_of(value);
    let known = match kind {
        "thinking" => Some(thinking(value)),
        "redacted_thinking" => Some(Content::Thinking { text: String::new(), redacted: true }),
        "image" => value.get("source").map(|source| Content::Image { source: source.clone() }),
        "document" => document(value),
        "search_result" | "web_search_result" => source(value),
        _ if kind.ends_with("tool_use") => call(kind, value),
        _ if kind.ends_with("tool_result") => result(id, role, value),
        _ => None,
    };
    known.unwrap_or_else(|| Content::Unknown { role: role.to_owned(), raw: value.clone() })
}

fn thinking(value: &Value) -> Content {
    let text = str_of(value, "thinking").unwrap_or_default().to_owned();
    Content::Thinking { redacted: text.is_empty(), text }
}

fn document(value: &Value) -> Option<Content> {
    let title = str_of(value, "title").map(str::to_owned);
    Some(Content::Document { title, source: value.get("source")?.clone() })
}

fn source(value: &Value) -> Option<Content> {
    let url = str_of(value, "url").or_else(|| str_of(value, "source"))?;
    let texts = value.get("content").and_then(Value::as_array).into_iter().flatten();
    Some(Content::Source {
        title: str_of(value, "title").unwrap_or_default().to_owned(),
        url: url.to_owned(),
        text: texts.filter_map(text_of).collect::<Vec<_>>().join("\n"),
    })
}

fn call(kind: &str, value: &Value) -> Option<Content> {
    Some(Content::ToolCall {
        call_id: str_of(value, "id")?.to_owned(),
        name: str_of(value, "name")?.to_owned(),
        input: value.get("input").cloned().unwrap_or(Value::Null),
        server: kind != "tool_use",
        outcome: None,
    })
}

fn result(id: &str, role: &str, value: &Value) -> Option<Content> {
    let call_id = str_of(value, "tool_use_id")?.to_owned();
    let content = value.get("content").unwrap_or(&Value::Null);
    let is_error = value.get("is_error").and_then(Value::as_bool).unwrap_or_default()
        || type_of(content).ends_with("_error");
    let parts = match content {
        Value::Null => Vec::new(),
        Value::Array(parts) => parts.iter().flat_map(|part| result_part(id, role, part)).collect(),
        other => result_part(id, role, other),
    };
    Some(Content::ToolResult {
        call_id,
        outcome: ToolOutcome { id: id.to_owned(), is_error, content: parts },
    })
}

fn result_part(id: &str, role: &str, part: &Value) -> Vec<Content> {
    match text_of(part) {
        // A result keeps its white space: it may be code or a table.
        Some(text) if next_reminder(text).is_none() => {
            vec![Content::Text { text: text.to_owned() }]
        }
        Some(text) => cut(text, |plain| Content::Text { text: plain.to_owned() }),
        None => vec![block(id, role, part)],
    }
}

fn list(value: &Value, field: &str) -> Vec<Value> {
    value.get(field).and_then(Value::as_array).cloned().unwrap_or_default()
}
