//! Content blocks of requests.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{
    object::{self, Object},
    text::JsonText,
};

/// One content block, as far as consumers tell blocks apart.
#[derive(Debug, Clone)]
pub enum Block<'a> {
    Text(Cow<'a, str>),
    /// `thinking` and `redacted_thinking`; the members are kept unread.
    Thinking(Object<'a>),
    ToolUse {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        input: Option<&'a RawValue>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        content: Vec<Block<'a>>,
        is_error: bool,
    },
    /// `image` and `document`.
    Media(Media<'a>),
    /// Anything else, the unknown included. `kind` is its `type`, or empty.
    Other {
        kind: Cow<'a, str>,
        object: Object<'a>,
    },
}

/// An image or a document.
#[derive(Debug, Clone)]
pub struct Media<'a> {
    /// `image` or `document`.
    pub kind: Cow<'a, str>,
    /// `base64`, `url`, `file`, `text`, `content`.
    pub source_kind: Cow<'a, str>,
    /// The source as a whole: `data`, `media_type`, `url`, `file_id`.
    pub source: Object<'a>,
}

impl<'a> Block<'a> {
    /// Reads one block.
    pub fn read(object: Object<'a>) -> Self {
        let kind = object.text("type").unwrap_or_default();
        let known = match kind.as_ref() {
            "text" => object.text("text").map(Self::Text),
            "thinking" | "redacted_thinking" => return Self::Thinking(object),
            "tool_use" => tool_use(&object),
            "tool_result" => tool_result(&object),
            "image" | "document" => media(&object, &kind),
            _ => None,
        };
        known.unwrap_or(Self::Other { kind, object })
    }

    /// The text of a text block.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A `content` or `system`: a string, or a list of blocks. Anything else is nothing.
pub(super) fn list(raw: &RawValue) -> Vec<Block<'_>> {
    if raw.get().starts_with('"') {
        let text = serde_json::from_str::<JsonText>(raw.get());
        return text.map(|text| vec![Block::Text(text.0)]).unwrap_or_default();
    }
    object::list(raw).into_iter().map(Block::read).collect()
}

fn tool_use<'a>(object: &Object<'a>) -> Option<Block<'a>> {
    Some(Block::ToolUse {
        id: object.text("id")?,
        name: object.text("name")?,
        input: object.get("input"),
    })
}

fn tool_result<'a>(object: &Object<'a>) -> Option<Block<'a>> {
    Some(Block::ToolResult {
        tool_use_id: object.text("tool_use_id")?,
        content: object.get("content").map(list).unwrap_or_default(),
        is_error: object.parse("is_error").unwrap_or(false),
    })
}

fn media<'a>(object: &Object<'a>, kind: &Cow<'a, str>) -> Option<Block<'a>> {
    let source: Object<'a> = object.parse("source")?;
    let source_kind = source.text("type").unwrap_or_default();
    Some(Block::Media(Media { kind: kind.clone(), source_kind, source }))
}
