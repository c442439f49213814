//! What one event says of an exchange, ready to be stored.

use jiff::Timestamp;
use nexus_contract::{ExchangeId, Headers, TerminalState};

use crate::{bodies::KeyedBody, windows::Window};

/// One half of an exchange. Halves come in any order, any number of times.
#[derive(Debug, Clone)]
pub struct ExchangePart {
    pub id: ExchangeId,
    /// When the request arrived.
    pub at: Timestamp,
    pub domain: String,
    pub gateway: String,
    /// The account, as far as this half tells.
    pub account: Option<Account>,
    pub headers: Headers,
    /// The body with its hashes; `None` where the event had none.
    pub body: Option<KeyedBody>,
    /// What full-text search finds this half by; may be empty.
    pub search_text: String,
    pub facts: Facts,
}

/// The half's own part of the row.
#[derive(Debug, Clone)]
pub enum Facts {
    Request(Box<RequestFacts>),
    Response(Box<ResponseFacts>),
}

/// Whose account an exchange goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub source: AccountSource,
}

/// How the account is known; an earlier one wins over a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountSource {
    /// The stored credential names it.
    Credential,
    /// The client named it in `metadata`.
    Metadata,
    /// The answer's `anthropic-organization-id`.
    Organization,
    /// Nothing but the fingerprint of the client's own credential.
    Fingerprint,
}

impl AccountSource {
    const ALL: [Self; 4] =
        [Self::Credential, Self::Metadata, Self::Organization, Self::Fingerprint];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Metadata => "metadata",
            Self::Organization => "organization",
            Self::Fingerprint => "fingerprint",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == name)
    }
}

/// What a request says. `None` where the body could not be read as a request.
#[derive(Debug, Clone, Default)]
pub struct RequestFacts {
    pub external_id: Option<String>,
    pub client_fingerprint: Option<String>,
    pub method: String,
    pub path: String,
    /// False when the client left before its body had come.
    pub complete: bool,
    pub model: Option<String>,
    pub request_type: Option<String>,
    pub streamed: bool,
    pub message_count: Option<i64>,
    pub tool_count: Option<i64>,
    /// `human`, `tool_result` or `other`: what the model is to answer to.
    pub last_message_kind: Option<String>,
    /// What a human wrote in it, shortened.
    pub prompt: Option<String>,
    /// How long the tools ran whose results it brings, where the client says so.
    pub tool_ms: Option<i64>,
}

/// What an answer says.
#[derive(Debug, Clone)]
pub struct ResponseFacts {
    pub state: TerminalState,
    pub status: Option<u16>,
    pub first_byte_ms: Option<i64>,
    pub duration_ms: i64,
    pub upstream_ms: Option<i64>,
    pub upstream_calls: i64,
    pub error: Option<String>,
    pub stop_reason: Option<String>,
    pub model: Option<String>,
    /// Names of the called tools, in order.
    pub tool_names: Vec<String>,
    pub preview: Option<String>,
    pub usage: Option<UsageFacts>,
    pub windows: Vec<Window>,
}

/// Tokens of one exchange, and the object that they were read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageFacts {
    pub input: i64,
    pub output: i64,
    pub cache_read: i64,
    pub cache_creation_5m: i64,
    pub cache_creation_1h: i64,
    /// Billionths of a dollar; `None` when the price is not known.
    pub cost_nanos: Option<i64>,
    /// JSON.
    pub raw: String,
}
