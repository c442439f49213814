//! What the server's answers mean to the caller.

use std::{error::Error as StdError, fmt::Display};

use async_nats::jetstream::{
    self, ErrorCode,
    context::{PublishError, PublishErrorKind},
    stream::{DirectGetError, DirectGetErrorKind},
};

use crate::stream::StreamError;

/// A read that gave nothing.
#[derive(Debug)]
pub(super) enum Failed {
    /// It is not there: asking again will not help.
    Missing(String),
    Stream(StreamError),
}

/// Whatever went wrong on the way; another try may succeed.
pub(super) fn unavailable(error: impl Display) -> StreamError {
    StreamError::Unavailable(error.to_string())
}

pub(super) fn of_get(error: &DirectGetError, name: &str) -> Failed {
    match error.kind() {
        DirectGetErrorKind::NotFound => Failed::Missing(name.to_owned()),
        _ => Failed::Stream(unavailable(error)),
    }
}

/// A full stream refuses with "store failed" and the bound's name; an exhausted account or disk
/// with codes of their own.
pub(super) fn of_publish(error: &PublishError) -> StreamError {
    const FULL: [ErrorCode; 5] = [
        ErrorCode::STREAM_STORE_FAILED,
        ErrorCode::INSUFFICIENT_RESOURCES,
        ErrorCode::STORAGE_RESOURCES_EXCEEDED,
        ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
        ErrorCode::MEMORY_RESOURCES_EXCEEDED,
    ];
    let source = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
    match (error.kind(), source) {
        (PublishErrorKind::MaxPayloadExceeded, _) => StreamError::Refused(error.to_string()),
        (_, Some(source)) if FULL.contains(&source.error_code()) => StreamError::Full,
        (_, Some(source)) if source.error_code() == ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM => {
            StreamError::Refused(source.to_string())
        }
        _ => unavailable(error),
    }
}
