//! An exchange as one line of JSON: what `nexus import` reads and `nexus export` writes.
//!
//! Bodies keep their bytes: a JSON body stands in the line as it is, everything else as a string, and
//! bytes that are not UTF-8 as `bodyBase64`.

mod body;
mod events;
mod headers;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use nexus_contract::{BodyError, Event, TerminalState};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

pub use self::headers::HeaderFields;

/// One exchange.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeLine {
    /// Any string; a UUID is kept as the exchange's id, another string gives a UUIDv5 of it. Without
    /// one the id is derived from the line's bytes, so that the same line is the same exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When the request arrived.
    pub at: Timestamp,
    pub domain: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    pub request: RequestLine,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// Read off the answer when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<TerminalState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The request's part of a line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestLine {
    #[serde(default = "post")]
    pub method: String,
    #[serde(default = "messages")]
    pub path: String,
    #[serde(default)]
    pub headers: HeaderFields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}

/// The answer's part of a line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseLine {
    #[serde(default)]
    pub status: Option<u16>,
    #[serde(default)]
    pub headers: HeaderFields,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
    /// The raw text of a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sse: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}

/// Why a line is no exchange.
#[derive(Debug, Error)]
pub enum LineError {
    #[error("not an exchange: {0}")]
    Json(#[from] serde_json::Error),
    #[error("`{0}` is not base64")]
    Base64(&'static str),
    #[error("more than one of `body`, `sse` and `bodyBase64`")]
    TwoBodies,
    #[error("the body cannot be compressed: {0}")]
    Body(#[from] BodyError),
}

/// The two events that the gateway would have published for the line's exchange.
pub fn parse_line(line: &str) -> Result<(Event, Event), LineError> {
    serde_json::from_str::<ExchangeLine>(line)?.into_events(line)
}

impl ExchangeLine {
    /// The line, without its line feed.
    pub fn to_line(&self) -> Result<String, LineError> {
        Ok(serde_json::to_string(self)?)
    }
}

fn post() -> String {
    "POST".to_owned()
}

fn messages() -> String {
    "/v1/messages".to_owned()
}
