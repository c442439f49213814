use std::{io, path::PathBuf};

use thiserror::Error;

/// Why a journal can't be opened or read.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Another live process holds the directory.
    #[error("the journal {0:?} is in use by another process")]
    InUse(PathBuf),
    #[error("the journal's settings don't fit: {0}")]
    Settings(&'static str),
    #[error("the journal {path:?}: {source}")]
    Io { path: PathBuf, source: io::Error },
    /// The body of an event could not be compressed.
    #[error("the journal's bytes can't be packed: {0}")]
    Body(#[from] nexus_contract::BodyError),
}

impl JournalError {
    /// Names the path in an I/O error.
    pub(crate) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::Io { path, source }
    }
}

/// The journal can take no further exchange: it is at its bound and the stream doesn't drain it, or the
/// disk gives it no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the journal is full")]
pub struct JournalFull;
