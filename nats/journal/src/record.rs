//! What the gateway says of an exchange, beside its bytes.

use jiff::Timestamp;
use nexus_contract::{ExchangeId, Headers, ResponseFinished};
use serde::{Deserialize, Serialize};

/// The head of a request, as the gateway knows it before the first byte of the body.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestHead {
    pub id: ExchangeId,
    /// When the request arrived.
    pub at: Timestamp,
    pub domain: String,
    /// The account of the stored credential; `None` for pass-through.
    pub account_id: Option<String>,
    pub method: String,
    /// Path and query as they came.
    pub path: String,
    pub headers: Headers,
    /// HMAC-SHA-256 fingerprint of the client's key or pass-through credential, hex.
    pub client_fingerprint: Option<String>,
}

/// The head of an answer. Should the gateway die before the end, this is what is known of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResponseHead {
    /// Status that the client sees.
    pub status: u16,
    pub headers: Headers,
    /// From the request's arrival to the answer's first body byte, in milliseconds, when known.
    pub first_byte_ms: Option<u64>,
    /// Calls to the upstream so far.
    pub upstream_calls: u32,
}

/// What is left of an exchange of which frames were lost: that it was there, how it ended, and why
/// its bytes are missing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tombstone {
    pub head: RequestHead,
    pub outcome: ResponseFinished,
    pub reason: String,
}
