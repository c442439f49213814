//! One borrowed reading of a Messages request, shared by all who look into one.
//!
//! Clients send what they like, and the upstream decides what is valid: a field of a shape never
//! seen is read as absent, a block of one as [`Block::Other`]. Only a body that is not a JSON object
//! is an error.

mod block;
mod object;
mod text;

use std::borrow::Cow;

use serde_json::value::RawValue;
use thiserror::Error;

pub use block::{Block, Media};
pub use object::Object;
pub use text::JsonText;

/// A request to `/v1/messages`; all text is borrowed from the body where it needs no unescaping.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    pub model: Option<Cow<'a, str>>,
    pub max_tokens: Option<u64>,
    pub stream: bool,
    /// `metadata.user_id`: opaque to the API; [`Identity`](crate::identity::Identity) reads it.
    pub user_id: Option<Cow<'a, str>>,
    pub thread: Option<Thread<'a>>,
    /// The system prompt; a plain string is one text block.
    pub system: Vec<Block<'a>>,
    /// Definitions as they came; `None` when the request has no `tools`.
    pub tools: Option<Vec<Object<'a>>>,
    pub messages: Vec<Message<'a>>,
}

/// One message; a plain string as content is one text block.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// `user`, `assistant`, `system`, or whatever the client sent.
    pub role: Cow<'a, str>,
    pub blocks: Vec<Block<'a>>,
}

/// A message thread (beta): the upstream keeps the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thread<'a> {
    Create,
    /// The request holds only what follows the answer of that message id.
    Continue {
        previous_message_id: Cow<'a, str>,
    },
}

/// Why a body is not a request.
#[derive(Debug, Error)]
pub enum RequestError {
    #[error("the body is not UTF-8: {0}")]
    Encoding(#[from] std::str::Utf8Error),
    #[error("the body is not a JSON object: {0}")]
    Json(#[from] serde_json::Error),
}

impl<'a> Request<'a> {
    /// Reads a decoded body (see [`decode`](crate::decode)).
    pub fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        let fields: Object<'a> = serde_json::from_str(std::str::from_utf8(body)?)?;
        Ok(Self {
            model: fields.text("model"),
            max_tokens: fields.parse("max_tokens"),
            stream: fields.parse("stream").unwrap_or(false),
            user_id: fields
                .parse::<Object>("metadata")
                .and_then(|metadata| metadata.text("user_id")),
            thread: fields.parse::<Object>("thread").as_ref().and_then(Thread::read),
            system: fields.get("system").map(block::list).unwrap_or_default(),
            tools: fields.parse("tools"),
            messages: fields.get("messages").map(messages).unwrap_or_default(),
        })
    }

    /// The text blocks of the system prompt, in order.
    pub fn system_texts(&self) -> impl Iterator<Item = &str> {
        self.system.iter().filter_map(Block::text)
    }

    /// Whether the request offers at least one tool.
    pub fn has_tools(&self) -> bool {
        self.tools.as_ref().is_some_and(|tools| !tools.is_empty())
    }
}

impl<'a> Message<'a> {
    fn read(fields: &Object<'a>) -> Self {
        Self {
            role: fields.text("role").unwrap_or_default(),
            blocks: fields.get("content").map(block::list).unwrap_or_default(),
        }
    }
}

impl<'a> Thread<'a> {
    fn read(fields: &Object<'a>) -> Option<Self> {
        match fields.text("type")?.as_ref() {
            "create" => Some(Self::Create),
            "continue" => fields
                .text("previous_message_id")
                .map(|previous_message_id| Self::Continue { previous_message_id }),
            _ => None,
        }
    }
}

/// All messages in one go; when one of them is no object, one by one without it.
fn messages(raw: &RawValue) -> Vec<Message<'_>> {
    object::list(raw).iter().map(Message::read).collect()
}

#[cfg(test)]
mod tests;
