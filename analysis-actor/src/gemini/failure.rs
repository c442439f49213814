//! Why a call gave no answer, and whether another one may.

use std::time::Duration;

use nexus_contract::mask_secrets;
use thiserror::Error;

use super::{answer::Usage, wire::ErrorBody};

/// A call that gave no answer. What it cost is known when Gemini said so.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct CallError {
    pub cause: Cause,
    /// One sentence, without secrets.
    pub message: String,
    pub status: Option<u16>,
    /// How long Gemini asked to wait.
    pub retry_after: Option<Duration>,
    pub usage: Usage,
    pub model: Option<String>,
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The key is missing, wrong or may not use the model.
    BadKey,
    /// Gemini refuses the request as it is.
    Refused,
    /// Gemini won't answer such a prompt, or such an answer was held back.
    Safety,
    /// Too many requests, or the quota is used up.
    RateLimited,
    /// Gemini failed.
    Server,
    /// No answer in time.
    Timeout,
    /// No connection, or it broke.
    Connection,
    /// An answer that is none: no JSON of the known shape.
    Malformed,
    /// An answer without text.
    Empty,
    /// The answer was over before its text began: thinking used up the room.
    MaxTokens,
}

impl Cause {
    /// Its name in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadKey => "bad_key",
            Self::Refused => "refused",
            Self::Safety => "safety",
            Self::RateLimited => "rate_limited",
            Self::Server => "server_error",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Malformed => "malformed",
            Self::Empty => "empty",
            Self::MaxTokens => "max_tokens",
        }
    }

    /// Whether the same request may succeed later.
    pub const fn may_retry(self) -> bool {
        !matches!(self, Self::BadKey | Self::Refused | Self::Safety)
    }
}

/// Longest message of Gemini that is recorded.
const MAX_MESSAGE: usize = 500;

impl CallError {
    pub(super) fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self {
            cause,
            message: message.into(),
            status: None,
            retry_after: None,
            usage: Usage::default(),
            model: None,
        }
    }

    /// From an answer with an error status. `retry_after` is the header's value.
    pub(super) fn from_status(status: u16, retry_after: Option<&str>, body: &[u8]) -> Self {
        let body = serde_json::from_slice::<ErrorBody>(body).unwrap_or_default().error;
        let reasons = body.details.iter().filter_map(|detail| detail.reason.as_deref());
        let is_key = reasons.into_iter().any(|reason| reason.starts_with("API_KEY"))
            || body.message.contains("API key");
        let delays = body.details.iter().filter_map(|detail| detail.retry_delay.as_deref());
        let delay = retry_after.and_then(seconds).or_else(|| delays.into_iter().find_map(seconds));
        let said: String = body.message.chars().take(MAX_MESSAGE).collect();
        let said = if said.is_empty() { body.status } else { mask_secrets(&said).into_owned() };
        Self {
            status: Some(status),
            retry_after: delay,
            ..Self::new(cause_of(status, is_key), format!("Gemini answered {status}: {said}"))
        }
    }
}

fn cause_of(status: u16, is_key: bool) -> Cause {
    match status {
        401 | 403 => Cause::BadKey,
        400 if is_key => Cause::BadKey,
        408 | 504 => Cause::Timeout,
        429 => Cause::RateLimited,
        300..=499 => Cause::Refused,
        _ => Cause::Server,
    }
}

/// `34`, `34s` and `1.5s`.
fn seconds(text: &str) -> Option<Duration> {
    let seconds = text.trim().trim_end_matches('s').parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_cause() {
        for (status, cause) in [
            (400, Cause::Refused),
            (401, Cause::BadKey),
            (403, Cause::BadKey),
            (404, Cause::Refused),
            (413, Cause::Refused),
            (429, Cause::RateLimited),
            (500, Cause::Server),
            (503, Cause::Server),
            (504, Cause::Timeout),
            (302, Cause::Refused),
        ] {
            assert_eq!(CallError::from_status(status, None, b"").cause, cause, "{status}");
        }
    }

    #[test]
    fn a_bad_key_comes_as_a_bad_request() {
        let body = br#"{"error":{"code":400,"status":"INVALID_ARGUMENT",
            "message":"API key not valid. Please pass a valid API key.",
            "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#;
        assert_eq!(CallError::from_status(400, None, body).cause, Cause::BadKey);
    }

    #[test]
    fn the_time_to_wait_comes_from_the_header_or_the_details() {
        let body = br#"{"error":{"message":"quota","details":[{"retryDelay":"34.5s"}]}}"#;
        let waits = |header| CallError::from_status(429, header, body).retry_after;
        assert_eq!(waits(Some("7")), Some(Duration::from_secs(7)));
        assert_eq!(waits(None), Some(Duration::from_millis(34_500)));
        assert_eq!(CallError::from_status(429, Some("soon"), b"").retry_after, None);
    }
}
