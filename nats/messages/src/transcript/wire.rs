//! From what went over the wire to an exchange of a transcript.

use bytes::Bytes;
use jiff::Timestamp;
use nexus_contract::{ExchangeId, Headers, TerminalState};

use super::turn::{Exchange, Failure};
use crate::{answer::Answer, decode::decode};

/// A body larger than this, decoded, is shown as far as it fits.
const MAX_DECODED: usize = 64 * 1024 * 1024;

/// An exchange as it was captured; bodies are still content-encoded.
#[derive(Debug, Clone, Copy)]
pub struct Wire<'a> {
    pub id: ExchangeId,
    pub at: Timestamp,
    /// `None` while it runs.
    pub state: Option<TerminalState>,
    pub status: Option<u16>,
    /// What the gateway says went wrong.
    pub error: Option<&'a str>,
    pub request_headers: Option<&'a Headers>,
    pub request_body: Option<&'a Bytes>,
    pub response_headers: Option<&'a Headers>,
    pub response_body: Option<&'a Bytes>,
}

impl Wire<'_> {
    /// Decodes and reads both bodies, as far as they are there and can be read.
    pub fn read(&self) -> Exchange {
        let decoded = decoded(self.response_headers, self.response_body);
        let content_type = self.response_headers.and_then(|headers| headers.get("content-type"));
        let mut answer = Answer::read(content_type, &decoded);
        Exchange {
            id: self.id,
            at: self.at,
            state: self.state.unwrap_or(TerminalState::Aborted),
            request: decoded_request(self.request_headers, self.request_body),
            stop_reason: answer.stop_reason().map(str::to_owned),
            failure: self.failure(&answer),
            answer: std::mem::take(&mut answer.content),
        }
    }

    fn failure(&self, answer: &Answer) -> Option<Failure> {
        let state = self.state.filter(|state| *state != TerminalState::Completed);
        let (kind, message) = match (&answer.error, state) {
            (Some(error), _) => (error.kind.clone(), error.message.clone()),
            (None, Some(state)) => {
                (state.as_str().to_owned(), self.error.unwrap_or_default().to_owned())
            }
            (None, None) => return None,
        };
        Some(Failure { kind, message, status: self.status })
    }
}

fn decoded_request(headers: Option<&Headers>, body: Option<&Bytes>) -> Bytes {
    let is_plain = headers.and_then(|headers| headers.get("content-encoding")).is_none();
    match body {
        Some(body) if is_plain => body.clone(),
        body => decoded(headers, body).into(),
    }
}

fn decoded(headers: Option<&Headers>, body: Option<&Bytes>) -> Vec<u8> {
    let encoding = headers.and_then(|headers| headers.get("content-encoding"));
    let body = body.map(AsRef::as_ref).unwrap_or_default();
    decode(encoding, body, MAX_DECODED).bytes.into_owned()
}
