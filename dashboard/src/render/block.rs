//! One block of a transcript, ready for its template.

use nexus_messages::transcript::{Content, Item};
use serde::Serialize;
use serde_json::Value;

use super::{json::cut, json_tree, markdown, picture, tool};
use crate::view::{escape, format};

/// Characters of one text shown at once; the request's page has all of it.
const TEXT: usize = 120_000;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Voice {
    Human,
    Assistant,
    Tool,
    System,
    Error,
}

/// A block with its name, icon and safe HTML.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    pub id: String,
    pub voice: Voice,
    pub name: &'static str,
    pub icon: &'static str,
    /// It names itself: no heading stands above it.
    pub slim: bool,
    /// Made by this module: every captured character in it is escaped or sanitised.
    pub html: String,
    /// The recommendation's session, for its feedback.
    pub spark_session: Option<String>,
}

/// A transcript's item as a block.
pub fn show(item: &Item) -> Shown {
    let (voice, name, icon) = voice(&item.content);
    let spark_session = match &item.content {
        Content::ToolCall { name, outcome: Some(outcome), .. } => {
            super::recommendation(name, outcome).map(|found| found.session_id)
        }
        _ => None,
    };
    Shown {
        id: item.id.clone(),
        voice,
        name,
        icon,
        slim: is_slim(&item.content),
        html: html(&item.id, &item.content),
        spark_session,
    }
}

const fn is_slim(content: &Content) -> bool {
    matches!(
        content,
        Content::Thinking { .. }
            | Content::ToolCall { .. }
            | Content::ToolResult { .. }
            | Content::SystemPrompt { .. }
            | Content::Reminders { .. }
            | Content::Compaction { .. }
            | Content::Error { .. }
    )
}

const fn voice(content: &Content) -> (Voice, &'static str, &'static str) {
    match content {
        Content::Human { .. } => (Voice::Human, "Human", "user"),
        Content::Assistant { .. } => (Voice::Assistant, "Assistant", "bot"),
        Content::Thinking { .. } => (Voice::Assistant, "Thinking", "brain"),
        Content::ToolCall { .. } => (Voice::Tool, "Tool call", "wrench"),
        Content::ToolResult { .. } => (Voice::Tool, "Tool result", "wrench"),
        Content::Image { .. } => (Voice::Human, "Image", "image"),
        Content::Document { .. } => (Voice::Human, "Document", "file-text"),
        Content::Text { .. } => (Voice::Tool, "Text", "file-text"),
        Content::Source { .. } => (Voice::Tool, "Source", "globe"),
        Content::SystemPrompt { .. } => (Voice::System, "System prompt", "settings"),
        Content::Reminders { .. } => (Voice::System, "Reminders", "bell"),
        Content::Compaction { .. } => (Voice::System, "Compaction", "scissors"),
        Content::Error { .. } => (Voice::Error, "Error", "circle-alert"),
        Content::Unknown { .. } => (Voice::System, "Unknown block", "hash"),
    }
}

/// The safe HTML of one content; `id` names it for pictures.
pub(super) fn html(id: &str, content: &Content) -> String {
    match content {
        Content::Human { text } => plain(text),
        Content::Assistant { text, citations } => {
            format!("<div class=\"md\">{}</div>{}", markdown(text), cited(citations))
        }
        Content::Thinking { redacted: true, .. } => {
            note("The thinking came redacted or was not kept.")
        }
        Content::Thinking { text, .. } => {
            fold("Thinking", text.len(), &format!("<div class=\"think\">{}</div>", plain(text)))
        }
        Content::ToolCall { name, input, server, outcome, .. } => {
            tool::call(id, name, input, *server, outcome.as_ref())
        }
        Content::ToolResult { outcome, .. } => tool::result_alone(outcome),
        Content::Image { source } => image(id, source),
        Content::Document { title, source } => document(title.as_deref(), source),
        Content::Text { text } => pre(text),
        Content::Source { title, url, text } => source(title, url, text),
        Content::SystemPrompt { text, blocks } => {
            let label = format!(
                "System prompt, {}",
                format::plural(i64::try_from(*blocks).unwrap_or(0), "block", "blocks")
            );
            fold(&label, text.len(), &pre(text))
        }
        Content::Reminders { texts } => reminders(texts),
        Content::Compaction { summary } => fold(
            "The history before was replaced by a summary",
            summary.len(),
            &format!("<div class=\"md\">{}</div>", markdown(summary)),
        ),
        Content::Error { kind, message, status } => error(kind, message, *status),
        Content::Unknown { role, raw } => {
            let label = format!("A block of role {} that this version does not know", escape(role));
            format!("<p class=\"muted\">{label}</p>{}", json_tree(raw, 2))
        }
    }
}

fn plain(text: &str) -> String {
    format!("<div class=\"plain\">{}</div>", escape(&cut(text, TEXT)))
}

pub(super) fn pre(text: &str) -> String {
    format!("<pre class=\"block\" tabindex=\"0\">{}</pre>", super::ansi(&cut(text, TEXT)))
}

fn note(text: &str) -> String {
    format!("<p class=\"muted\">{}</p>", escape(text))
}

/// A folded part that says how long it is. `label` is text; `inner` is safe HTML.
pub(super) fn fold(label: &str, bytes: usize, inner: &str) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a size for display")]
    let size = format::bytes(bytes as f64);
    format!(
        "<details class=\"fold\"><summary>{} <span class=\"muted\">{size}</span></summary>{inner}</details>",
        escape(label)
    )
}

fn reminders(texts: &[String]) -> String {
    let label = format::plural(i64::try_from(texts.len()).unwrap_or(0), "reminder", "reminders");
    let inner: String = texts.iter().map(|text| pre(text)).collect();
    fold(&format!("{label} of the client"), texts.iter().map(String::len).sum(), &inner)
}

fn error(kind: &str, message: &str, status: Option<u16>) -> String {
    let status = status.map(|status| format!(" · {status}")).unwrap_or_default();
    format!(
        "<div class=\"note bad\"><div><b>{}{status}</b><div class=\"plain\">{}</div></div></div>",
        escape(kind),
        escape(&cut(message, TEXT))
    )
}

/// Pictures come from an address of their own, with a checked type.
pub(super) fn image(id: &str, source: &Value) -> String {
    if picture(source).is_some() {
        let id = escape(id);
        return format!(
            "<a href=\"/media/{id}\"><img class=\"shot\" src=\"/media/{id}\" alt=\"Image of the conversation\" loading=\"lazy\"></a>"
        );
    }
    match source.get("url").and_then(Value::as_str) {
        Some(url) => note(&format!(
            "An image at {}, not loaded: this page asks no other host for anything.",
            cut(url, 300)
        )),
        None => note("An image that cannot be shown: its type is not PNG, JPEG, GIF or WebP."),
    }
}

fn document(title: Option<&str>, source: &Value) -> String {
    let title = title.unwrap_or("Document");
    match source.get("data").and_then(Value::as_str) {
        Some(text) if source.get("type").and_then(Value::as_str) == Some("text") => {
            fold(title, text.len(), &pre(text))
        }
        Some(data) => note(&format!(
            "{title} ({}, {} bytes encoded)",
            source.get("media_type").and_then(Value::as_str).unwrap_or("unknown type"),
            data.len()
        )),
        None => format!("<p class=\"muted\">{}</p>{}", escape(title), json_tree(source, 1)),
    }
}

fn source(title: &str, url: &str, text: &str) -> String {
    let title = if title.is_empty() { url } else { title };
    let name = if url.starts_with("https://") || url.starts_with("http://") {
        format!(
            "<a href=\"{}\" rel=\"noopener noreferrer nofollow\">{}</a>",
            escape(url),
            escape(title)
        )
    } else {
        escape(title)
    };
    let text =
        if text.is_empty() { String::new() } else { fold("Passage", text.len(), &pre(text)) };
    format!("<div>{name}{text}</div>")
}

fn cited(citations: &[Value]) -> String {
    if citations.is_empty() {
        return String::new();
    }
    let field = |citation: &Value, name: &str| {
        citation.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let entries = citations.iter().map(|citation| {
        let title = [field(citation, "title"), field(citation, "document_title")].concat();
        format!(
            "<li>{}</li>",
            source(&title, &field(citation, "url"), &field(citation, "cited_text"))
        )
    });
    format!(
        "<details class=\"fold\"><summary>{} cited</summary><ol>{}</ol></details>",
        format::plural(i64::try_from(citations.len()).unwrap_or(0), "source", "sources"),
        entries.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_content_of_every_kind_is_inert() {
        let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>".to_owned();
        let value =
            serde_json::json!({"type": evil, "url": evil, "data": evil, "media_type": evil});
        let outcome = nexus_messages::transcript::ToolOutcome {
            id: "r".into(),
            is_error: true,
            content: vec![
                Content::Text { text: evil.clone() },
                Content::Image { source: value.clone() },
            ],
        };
        let contents = [
            Content::Human { text: evil.clone() },
            Content::Assistant { text: evil.clone(), citations: vec![value.clone()] },
            Content::Thinking { text: evil.clone(), redacted: false },
            Content::ToolCall {
                call_id: evil.clone(),
                name: evil.clone(),
                input: value.clone(),
                server: true,
                outcome: Some(outcome.clone()),
            },
            Content::ToolResult { call_id: evil.clone(), outcome },
            Content::Image { source: value.clone() },
            Content::Document { title: Some(evil.clone()), source: value.clone() },
            Content::Source {
                title: evil.clone(),
                url: format!("javascript:{evil}"),
                text: evil.clone(),
            },
            Content::SystemPrompt { text: evil.clone(), blocks: 1 },
            Content::Reminders { texts: vec![evil.clone()] },
            Content::Compaction { summary: evil.clone() },
            Content::Error { kind: evil.clone(), message: evil.clone(), status: Some(500) },
            Content::Unknown { role: evil.clone(), raw: value },
        ];
        for content in contents {
            let html = html("id", &content);
            assert!(
                !html.contains("<script")
                    && !html.contains("<img src=x")
                    && !html.contains("href=\"javascript"),
                "{html}"
            );
        }
    }
}
