//! What the server's answers mean to the caller.

use std::{error::Error as StdError, fmt::Display};

use async_nats::jetstream::{
    self, ErrorCode,
    context::{CreateStreamError, CreateStreamErrorKind, PublishError, PublishErrorKind},
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

/// What an exhausted account, disk or memory is answered with.
const EXHAUSTED: [ErrorCode; 4] = [
    ErrorCode::INSUFFICIENT_RESOURCES,
    ErrorCode::STORAGE_RESOURCES_EXCEEDED,
    ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
    ErrorCode::MEMORY_RESOURCES_EXCEEDED,
];

/// A server reserves the whole bound of a stream when it makes it.
pub(super) fn of_create(error: &CreateStreamError, all: u64) -> StreamError {
    match error.kind() {
        CreateStreamErrorKind::JetStream(said) if EXHAUSTED.contains(&said.error_code()) => {
            let mebibytes = all >> 20;
            StreamError::NoRoom(format!("its streams reserve {mebibytes} MiB; NATS says: {said}"))
        }
        _ => unavailable(error),
    }
}

/// A full stream refuses with "store failed" and the bound's name.
pub(super) fn of_publish(error: &PublishError) -> StreamError {
    let full = |code| code == ErrorCode::STREAM_STORE_FAILED || EXHAUSTED.contains(&code);
    let source = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
    match (error.kind(), source) {
        (PublishErrorKind::MaxPayloadExceeded, _) => StreamError::Refused(error.to_string()),
        (_, Some(source)) if full(source.error_code()) => StreamError::Full,
        (_, Some(source)) if source.error_code() == ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM => {
            StreamError::Refused(source.to_string())
        }
        _ => unavailable(error),
    }
}
