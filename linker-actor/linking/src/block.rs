//! A content block in normal form: what stays the same when a client sends it again.

use std::borrow::Cow;

use nexus_messages::{
    request::{Block, Media, Object},
    text::without_reminders,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{
    canonical::{without, write_raw, write_text, write_value},
    hash::Hash,
};

/// What the chain keeps of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Normal {
    /// SHA-256 over the block's line in normal form.
    pub digest: Hash,
    pub assistant: bool,
    /// The id of a `tool_use`.
    pub tool_use: Option<String>,
    /// The id of a `tool_result`.
    pub tool_result: Option<String>,
}

/// A block's normal form: a JSON array of role, type and content.
pub struct Line {
    pub line: String,
    pub assistant: bool,
    pub tool_use: Option<String>,
    pub tool_result: Option<String>,
}

impl Normal {
    /// `None` for what the chain leaves out: thinking, and blocks of which nothing is left.
    pub fn of(block: &Block<'_>, assistant: bool) -> Option<Self> {
        Line::of(block, assistant).map(Self::from)
    }
}

impl From<Line> for Normal {
    fn from(line: Line) -> Self {
        let Line { line, assistant, tool_use, tool_result } = line;
        Self { digest: Hash::of(line), assistant, tool_use, tool_result }
    }
}

impl Line {
    pub fn of(block: &Block<'_>, assistant: bool) -> Option<Self> {
        let mut line = Self { line: String::new(), assistant, tool_use: None, tool_result: None };
        match block {
            Block::Text(text) => {
                let text = plain(text);
                if text.is_empty() {
                    return None;
                }
                line.line = text_line(&text, assistant);
            }
            Block::Thinking(_) => return None,
            Block::ToolUse { id, name, input } => {
                line.tool_use = Some(id.clone().into_owned());
                line.line = tool_use(id, name, *input, assistant);
            }
            Block::ToolResult { tool_use_id, content, .. } => {
                line.tool_result = Some(tool_use_id.clone().into_owned());
                line.line = tool_result(tool_use_id, content, assistant);
            }
            Block::Media(media) => {
                line.line = begin(assistant);
                write_media(&mut line.line, media);
                line.line.push(']');
            }
            Block::Other { object, .. } => {
                line.line = begin(assistant);
                write_other(&mut line.line, object);
                line.line.push(']');
            }
        }
        Some(line)
    }

    /// Stands for an opening of which nothing is left.
    pub fn empty() -> Self {
        let line = text_line("", false);
        Self { line, assistant: false, tool_use: None, tool_result: None }
    }
}

/// A text as it is compared: without reminders, CRLF as LF, trimmed.
pub fn plain(text: &str) -> Cow<'_, str> {
    match without_reminders(text) {
        Cow::Borrowed(text) => lf(text.trim()),
        Cow::Owned(text) => Cow::Owned(lf(text.trim()).into_owned()),
    }
}

fn lf(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) }
}

fn begin(assistant: bool) -> String {
    if assistant { "[\"assistant\",".to_owned() } else { "[\"user\",".to_owned() }
}

fn text_line(text: &str, assistant: bool) -> String {
    let mut line = String::with_capacity(text.len() + text.len() / 16 + 32);
    line.push_str(&begin(assistant));
    line.push_str("\"text\",");
    write_text(&mut line, text);
    line.push(']');
    line
}

fn tool_use(id: &str, name: &str, input: Option<&RawValue>, assistant: bool) -> String {
    let mut line = begin(assistant);
    line.push_str("\"tool_use\",");
    write_text(&mut line, name);
    line.push(',');
    write_text(&mut line, id);
    line.push(',');
    match input {
        Some(input) => write_raw(&mut line, input),
        None => line.push_str("{}"),
    }
    line.push(']');
    line
}

fn tool_result(id: &str, content: &[Block<'_>], assistant: bool) -> String {
    let mut line = begin(assistant);
    line.push_str("\"tool_result\",");
    write_text(&mut line, id);
    line.push_str(",[");
    write_result(&mut line, content);
    line.push_str("]]");
    line
}

/// Neighbouring texts of a result are one text with an empty line between them: clients join them
/// when they put a reminder at the result's end.
fn write_result(line: &mut String, content: &[Block<'_>]) {
    let mut texts: Vec<Cow<'_, str>> = Vec::new();
    for block in content {
        if let Block::Text(text) = block {
            texts.push(plain(text));
        } else {
            flush(line, &mut texts);
            comma(line);
            match block {
                Block::Media(media) => {
                    line.push('[');
                    write_media(line, media);
                    line.push(']');
                }
                Block::Other { object, .. } => write_other(line, object),
                _ => line.push_str("null"),
            }
        }
    }
    flush(line, &mut texts);
}

fn flush(line: &mut String, texts: &mut Vec<Cow<'_, str>>) {
    texts.retain(|text| !text.is_empty());
    if !texts.is_empty() {
        comma(line);
        write_text(line, &texts.join("\n\n"));
        texts.clear();
    }
}

fn comma(line: &mut String) {
    if !line.ends_with('[') {
        line.push(',');
    }
}

/// `"image","base64","<SHA-256 of the data>"`; a source without data by its canonical JSON.
fn write_media(line: &mut String, media: &Media<'_>) {
    write_text(line, &media.kind);
    line.push(',');
    write_text(line, &media.source_kind);
    line.push(',');
    match media.source.text("data") {
        Some(data) => write_text(line, &Hash::of(data.as_bytes()).to_string()),
        None => write_other(line, &media.source),
    }
}

fn write_other(line: &mut String, object: &Object<'_>) {
    let mut value = Value::Object(
        object
            .iter()
            .map(|(name, raw)| {
                let value = serde_json::from_str(raw.get());
                (name.to_owned(), value.unwrap_or_else(|_| Value::String(raw.get().to_owned())))
            })
            .collect(),
    );
    without(&mut value, "cache_control");
    write_value(line, &value);
}
