//! The bytes behind the rows: what transcripts, comparisons and request pages read.

use async_trait::async_trait;
use bytes::Bytes;
use nexus_contract::{ExchangeId, Headers};
use nexus_messages::{Answer, transcript};
use nexus_store::{Result, queries::RequestSummary};

/// One exchange with its bytes, content codings undone.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    pub method: String,
    pub path: String,
    pub request_headers: Headers,
    pub response_headers: Headers,
    pub request: Bytes,
    pub response: Bytes,
}

/// One side of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    Request,
    Response,
}

impl Half {
    /// `request` or `response`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "request" => Some(Self::Request),
            "response" => Some(Self::Response),
            _unknown => None,
        }
    }
}

/// Reads recordings.
#[async_trait]
pub trait Recordings: Send + Sync + 'static {
    /// Those of `ids` that the store still holds, in any order.
    async fn list_recordings(&self, ids: &[ExchangeId]) -> Result<Vec<(ExchangeId, Recording)>>;

    /// The body of one half, empty where it had none; `None` when the half is not stored, or not yet.
    async fn find_body(&self, id: ExchangeId, half: Half) -> Result<Option<Bytes>>;
}

impl Recording {
    /// What the upstream answered.
    pub fn answer(&self) -> Answer {
        Answer::read(self.response_headers.get("content-type"), &self.response)
    }

    /// As a transcript reads it, with what the row says of its end.
    pub fn exchange(&self, row: &Row<'_>) -> transcript::Exchange {
        let answer = self.answer();
        let failure = failure(row, &answer);
        let stop_reason = answer.message.get("stop_reason").and_then(|reason| reason.as_str());
        transcript::Exchange {
            id: row.id,
            at: row.at,
            state: row.state.unwrap_or(nexus_contract::TerminalState::Completed),
            request: self.request.clone(),
            stop_reason: stop_reason.map(str::to_owned),
            answer: answer.content,
            failure,
        }
    }
}

/// What a row says of its exchange; requests and graph nodes both do.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub id: ExchangeId,
    pub at: jiff::Timestamp,
    pub state: Option<nexus_contract::TerminalState>,
    pub status: Option<u16>,
    pub error: Option<&'a str>,
}

impl<'a> From<&'a RequestSummary> for Row<'a> {
    fn from(row: &'a RequestSummary) -> Self {
        Self {
            id: row.request_id,
            at: row.timestamp,
            state: row.state,
            status: row.response_status,
            error: row.error.as_deref(),
        }
    }
}

impl From<&nexus_store::queries::GraphNode> for Row<'_> {
    fn from(node: &nexus_store::queries::GraphNode) -> Self {
        Self {
            id: node.request_id,
            at: node.timestamp,
            state: node.state,
            status: node.response_status,
            error: None,
        }
    }
}

fn failure(row: &Row<'_>, answer: &Answer) -> Option<transcript::Failure> {
    if let Some(error) = &answer.error {
        let (kind, message) = (error.kind.clone(), error.message.clone());
        return Some(transcript::Failure { kind, message, status: row.status });
    }
    let state = row.state.filter(|state| *state != nexus_contract::TerminalState::Completed)?;
    let message = row.error.unwrap_or("the answer did not come to its end").to_owned();
    Some(transcript::Failure { kind: state.as_str().into(), message, status: row.status })
}
