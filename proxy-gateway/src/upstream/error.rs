//! How a call to the upstream can fail.

use std::io;

/// Why there is no answer, or no more of it. The texts name no address and no secret.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection came about.
    #[error("the upstream can't be reached: {0}")]
    Connect(io::Error),
    /// No connection came about in time.
    #[error("connecting to the upstream took too long")]
    ConnectTimeout,
    /// The connection ended before the first byte of an answer.
    #[error("the upstream closed the connection before it answered")]
    NoAnswer,
    /// Nothing happened for too long before an answer began.
    #[error("the upstream was silent for too long")]
    Silent,
    /// The answer broke off.
    #[error("the upstream's answer broke off: {0}")]
    Cut(&'static str),
    /// What came is not HTTP.
    #[error("the upstream's answer can't be read: {0}")]
    Malformed(&'static str),
    /// The request's body could not be read from the client; its source knows why.
    #[error("the request's body ended early")]
    Body,
}

impl UpstreamError {
    /// Whether the same request may be sent again: nothing of an answer has come.
    pub fn may_repeat(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::ConnectTimeout | Self::NoAnswer)
    }
}
