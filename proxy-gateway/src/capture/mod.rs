//! Where an exchange is recorded while it passes. The gateway knows only this trait; the journal
//! stands behind it.

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use nexus_contract::{ExchangeId, Headers, ResponseFinished};

/// Takes exchanges. Opening and recording never wait for a disk.
pub trait Capture: Send + Sync + 'static {
    /// Begins the record of one exchange. An error says that the record can't be kept; the
    /// exchange itself may go on.
    fn open(&self, head: RequestHead) -> Result<Box<dyn Recording>, CaptureFull>;
}

/// The record of one exchange. Dropped without [`finish`](Self::finish), it is as if the gateway
/// had died: the exchange becomes `aborted`.
pub trait Recording: Send {
    fn request_chunk(&mut self, bytes: Bytes);

    /// No more of the request's body comes; `complete` is false when the client left it unfinished.
    fn request_end(&mut self, complete: bool);

    fn response_head(&mut self, head: ResponseHead);

    fn response_chunk(&mut self, bytes: Bytes);

    /// The terminal state. Nothing may follow.
    fn finish(&mut self, outcome: ResponseFinished);

    /// Resolves when everything recorded so far is written: it survives the death of this process.
    fn written(&self) -> BoxFuture<'static, ()>;
}

/// The head of a request, as far as it may be recorded.
#[derive(Debug, Clone)]
pub struct RequestHead {
    pub id: ExchangeId,
    pub at: Timestamp,
    pub domain: String,
    /// The account of the stored credential; `None` for pass-through.
    pub account_id: Option<String>,
    pub method: String,
    /// Path and query as they came.
    pub path: String,
    pub headers: Headers,
    /// HMAC-SHA-256 fingerprint of what the client authenticated with, hex.
    pub client_fingerprint: Option<String>,
}

/// The head of an answer.
#[derive(Debug, Clone)]
pub struct ResponseHead {
    pub status: u16,
    pub headers: Headers,
    pub first_byte_ms: Option<u64>,
    pub upstream_calls: u32,
}

/// The journal is at its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal is full")]
pub struct CaptureFull;
