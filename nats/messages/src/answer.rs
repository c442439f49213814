//! An answer put together: from a JSON body, or from a stream of events, whole or cut short.
//!
//! Blocks are kept as raw JSON by their index, so thinking, redacted thinking, server tools,
//! citations and whatever comes next stay as the upstream said them.

mod assembler;
mod block;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use assembler::Assembler;

use crate::usage::Usage;

/// What the upstream answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The message without `content` and `usage`: id, model, role, stop reason and unknown fields.
    pub message: Map<String, Value>,
    /// The content blocks in the order of their index.
    pub content: Vec<Value>,
    pub usage: Usage,
    /// The error that it is, or that its stream ended with.
    pub error: Option<ApiError>,
    /// The answer came to its end: a whole JSON message, or a stream with its `message_stop`.
    pub complete: bool,
}

/// An error as the API gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    #[serde(rename = "type")]
    pub kind: String,
    pub message: String,
}

/// A call of a tool by the model, the client's or the upstream's own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToolUse<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub input: &'a Value,
}

impl Answer {
    /// Reads the decoded body of an answer, as far as it came. Whether it is a stream is seen from
    /// its content type, or from its first bytes where the type is missing or wrong.
    pub fn read(content_type: Option<&str>, decoded: &[u8]) -> Self {
        let says_stream = content_type.is_some_and(|kind| kind.contains("text/event-stream"));
        if (says_stream || looks_like_stream(decoded)) && !looks_like_json(decoded) {
            let mut assembler = Assembler::default();
            assembler.push(decoded);
            return assembler.finish();
        }
        serde_json::from_slice(decoded)
            .map_or_else(|_unreadable| Self::default(), Self::from_message)
    }

    /// From the JSON of a message, or of an error body.
    pub fn from_message(body: Value) -> Self {
        let Value::Object(mut message) = body else { return Self::default() };
        if let Some(error) = ApiError::from_body(&message) {
            return Self { error: Some(error), complete: true, ..Self::default() };
        }
        let content = match message.remove("content") {
            Some(Value::Array(content)) => content,
            Some(Value::String(text)) => vec![serde_json::json!({"type": "text", "text": text})],
            _none => Vec::new(),
        };
        let usage = message.remove("usage").unwrap_or_default();
        Self { usage: Usage::from_value(&usage), message, content, error: None, complete: true }
    }

    /// The message's id, which the next request of a message thread names.
    pub fn id(&self) -> Option<&str> {
        self.field("id")
    }

    pub fn model(&self) -> Option<&str> {
        self.field("model")
    }

    /// `end_turn`, `tool_use`, `max_tokens`, …; `None` for an answer that was cut short.
    pub fn stop_reason(&self) -> Option<&str> {
        self.field("stop_reason")
    }

    /// The text blocks, joined by empty lines.
    pub fn text(&self) -> String {
        let texts = self.content.iter().filter(|block| kind_of(block) == "text");
        let texts: Vec<_> = texts.filter_map(|block| block.get("text")?.as_str()).collect();
        texts.join("\n\n")
    }

    /// The client's tools that the model calls, in order.
    pub fn tool_uses(&self) -> impl Iterator<Item = ToolUse<'_>> {
        self.content.iter().filter(|block| kind_of(block) == "tool_use").filter_map(tool_use)
    }

    /// Nothing was said.
    pub fn is_empty(&self) -> bool {
        self.content.is_empty() && self.error.is_none()
    }

    /// The answer as a JSON message of the API; a partial one has what came.
    pub fn to_message(&self) -> Value {
        if let (Some(error), true) = (&self.error, self.content.is_empty()) {
            return serde_json::json!({"type": "error", "error": error});
        }
        let mut message = self.message.clone();
        message.insert("content".to_owned(), Value::Array(self.content.clone()));
        message.insert("usage".to_owned(), Value::Object(self.usage.raw().clone()));
        Value::Object(message)
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.message.get(name)?.as_str()
    }
}

impl ApiError {
    /// From `{"type":"error","error":{…}}`.
    fn from_body(body: &Map<String, Value>) -> Option<Self> {
        let is_error = body.get("type").and_then(Value::as_str) == Some("error");
        let error = body.get("error")?;
        (is_error || !body.contains_key("content")).then(|| Self::from_value(error))
    }

    fn from_value(error: &Value) -> Self {
        let field = |name| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { kind: field("type"), message: field("message") }
    }
}

/// A block's `type`; empty when it has none.
pub fn kind_of(block: &Value) -> &str {
    block.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn tool_use(block: &Value) -> Option<ToolUse<'_>> {
    Some(ToolUse {
        id: block.get("id")?.as_str()?,
        name: block.get("name")?.as_str()?,
        input: block.get("input").unwrap_or(&Value::Null),
    })
}

fn looks_like_json(decoded: &[u8]) -> bool {
    decoded.trim_ascii_start().first() == Some(&b'{')
}

fn looks_like_stream(decoded: &[u8]) -> bool {
    let start = decoded.strip_prefix(b"\xef\xbb\xbf").unwrap_or(decoded).trim_ascii_start();
    [b"event:".as_slice(), b"data:", b":", b"id:"].iter().any(|field| start.starts_with(field))
}

#[cfg(test)]
mod tests;
