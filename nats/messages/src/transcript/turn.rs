//! What a reading is made from, and what it is.

use bytes::Bytes;
use jiff::Timestamp;
use nexus_contract::{ExchangeId, TerminalState};
use serde::Serialize;
use serde_json::Value;

use super::item::Item;

/// An exchange as a transcript reads it.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub id: ExchangeId,
    pub at: Timestamp,
    pub state: TerminalState,
    /// The request's body, decoded.
    pub request: Bytes,
    /// The answer's content blocks as a non-streamed answer has them; empty when there was none.
    pub answer: Vec<Value>,
    pub stop_reason: Option<String>,
    /// What went wrong, where something did.
    pub failure: Option<Failure>,
}

/// Why an exchange did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The API's error type, or the terminal state.
    pub kind: String,
    pub message: String,
    pub status: Option<u16>,
}

/// A part of a branch, with its neighbours: the one before says what is old, the one after brings
/// the results of the last tool calls.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    pub before: Option<&'a Exchange>,
    /// Oldest first; retries of one request stand one after the other.
    pub exchanges: &'a [Exchange],
    pub after: Option<&'a Exchange>,
}

/// What one exchange added.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    pub id: ExchangeId,
    pub at: Timestamp,
    pub state: TerminalState,
    pub model: Option<String>,
    pub stop_reason: Option<String>,
    pub items: Vec<Item>,
}
