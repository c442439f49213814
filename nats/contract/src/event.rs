//! The kinds of events and what each says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{body::Body, header::Headers, id::ExchangeId};

/// One event: what happened, and the bytes it is about.
#[derive(Debug, Clone)]
pub struct Event {
    pub envelope: Envelope,
    /// The request's or the answer's bytes as they were on the wire (still content-encoded).
    pub body: Option<Body>,
}

impl Event {
    /// Identifies the event for de-duplication: the same event published twice has the same key.
    pub fn message_id(&self) -> String {
        let id = self.envelope.id;
        match &self.envelope.payload {
            Payload::RequestReceived(_) => format!("{id}.request"),
            Payload::ResponseFinished(_) => format!("{id}.response"),
            Payload::Linked(linked) => format!("{id}.linked.{}", linked.revision),
            // A run may be told of more than once, each time because it waits anew.
            Payload::AnalysisRequested(job) => {
                let at = self.envelope.at.as_microsecond();
                format!("{}.analysis.{}.{at}", job.job_id, job.run)
            }
            Payload::AnalysisFinished(job) => format!("{}.analysed.{}", job.job_id, job.run),
        }
    }

    pub fn kind(&self) -> Kind {
        self.envelope.payload.kind()
    }
}

/// What every event carries.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The exchange that the event is about.
    pub id: ExchangeId,
    /// When the event's cause happened, by the gateway's clock.
    pub at: Timestamp,
    /// Name of the gateway instance.
    pub gateway: String,
    /// The request's domain: its Host, lower-cased, without port.
    pub domain: String,
    /// The account of the stored credential; `None` for pass-through, where it is derived later.
    pub account_id: Option<String>,
    pub payload: Payload,
}

/// The kind's own fields. On the wire: `"kind": "request.received", "version": 1, "fields": {…}`.
#[derive(Debug, Clone)]
pub enum Payload {
    RequestReceived(RequestReceived),
    ResponseFinished(ResponseFinished),
    Linked(Linked),
    AnalysisRequested(AnalysisRequested),
    AnalysisFinished(AnalysisFinished),
}

/// The name of a payload; also the last tokens of its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    RequestReceived,
    ResponseFinished,
    Linked,
    AnalysisRequested,
    AnalysisFinished,
}

impl Kind {
    pub const ALL: [Self; 5] = [
        Self::RequestReceived,
        Self::ResponseFinished,
        Self::Linked,
        Self::AnalysisRequested,
        Self::AnalysisFinished,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestReceived => "request.received",
            Self::ResponseFinished => "response.finished",
            Self::Linked => "linked",
            Self::AnalysisRequested => "analysis.requested",
            Self::AnalysisFinished => "analysis.finished",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Payload {
    pub const fn kind(&self) -> Kind {
        match self {
            Self::RequestReceived(_) => Kind::RequestReceived,
            Self::ResponseFinished(_) => Kind::ResponseFinished,
            Self::Linked(_) => Kind::Linked,
            Self::AnalysisRequested(_) => Kind::AnalysisRequested,
            Self::AnalysisFinished(_) => Kind::AnalysisFinished,
        }
    }
}

/// A client's request to `/v1/messages`, before anything is known of its answer. The event's body
/// is the request's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestReceived {
    pub method: String,
    /// Path and query as they came.
    pub path: String,
    pub headers: Headers,
    /// HMAC-SHA-256 fingerprint of the client's key or pass-through credential, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_fingerprint: Option<String>,
    /// The id under which an imported exchange was known elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// False when the client left before its body was complete; the event holds what came.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub complete: bool,
}

/// The end of an exchange. The event's body is the answer's body as far as it came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResponseFinished {
    pub state: TerminalState,
    /// Status that the client saw; `None` when there was none.
    pub status: Option<u16>,
    pub headers: Headers,
    /// When the request arrived; the time of the exchange.
    pub started_at: Timestamp,
    /// From the request's arrival to the answer's first body byte, in milliseconds.
    pub first_byte_ms: Option<u64>,
    /// From the request's arrival to the answer's end, in milliseconds.
    pub duration_ms: u64,
    /// Time in which the upstream was waited for, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_ms: Option<u64>,
    /// Calls to the upstream, 1 without retries, 0 when refused by the gateway.
    pub upstream_calls: u32,
    /// Usage as the upstream sent it; merged from `message_start` and `message_delta` for streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Box<RawValue>>,
    /// What went wrong, in one sentence without secrets, where the state is not `completed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How an exchange ended. Exactly one per exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminalState {
    /// The upstream's answer came to its end with a success status.
    Completed,
    /// The upstream answered with an error status, or with an error event inside its stream.
    UpstreamError,
    /// The upstream's answer broke off.
    UpstreamCut,
    /// The client left first.
    ClientAborted,
    /// A time-out of the gateway ended it.
    TimedOut,
    /// The gateway answered by itself.
    Refused,
    /// The gateway died before the end.
    Aborted,
}

impl TerminalState {
    pub const ALL: [Self; 7] = [
        Self::Completed,
        Self::UpstreamError,
        Self::UpstreamCut,
        Self::ClientAborted,
        Self::TimedOut,
        Self::Refused,
        Self::Aborted,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::UpstreamError => "upstream_error",
            Self::UpstreamCut => "upstream_cut",
            Self::ClientAborted => "client_aborted",
            Self::TimedOut => "timed_out",
            Self::Refused => "refused",
            Self::Aborted => "aborted",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// The linker committed new or changed links. Readers take the links themselves from the store;
/// the event says which to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// Every exchange whose link, conversation or branch changed, the envelope's own among them.
    pub exchanges: Vec<ExchangeId>,
    /// Grows with every commit that touched the envelope's exchange.
    pub revision: u64,
}

/// An analysis was asked for, or its job was put back into the queue. The row in the store is the
/// job; this only wakes the actors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalysisRequested {
    pub job_id: String,
    pub conversation_id: ExchangeId,
    pub branch_id: String,
    /// 1 for the first run; one more with every regeneration.
    pub run: u64,
}

/// An analysis ended, well or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalysisFinished {
    pub job_id: String,
    pub conversation_id: ExchangeId,
    pub branch_id: String,
    pub run: u64,
    pub status: String,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_true(value: &bool) -> bool {
    *value
}
