//! The bytes of a request or of an answer, exactly as they were on the wire, compressed.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Level 1: captured bodies are compressed once in the pipeline's background, and speed counts.
const LEVEL: i32 = 1;

/// A body in transit: zstd, with the length and SHA-256 of what it decompresses to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    compressed: Bytes,
    len: u64,
    sha256: [u8; 32],
}

/// Why a body could not be read.
#[derive(Debug, Error)]
pub enum BodyError {
    #[error("the body does not decompress: {0}")]
    Compression(#[from] std::io::Error),
    #[error("the body has {found} bytes where its event says {expected}")]
    Length { expected: u64, found: u64 },
    #[error("the body's SHA-256 is not the one its event names")]
    Checksum,
}

impl Body {
    /// Compresses `raw`.
    pub fn new(raw: &[u8]) -> Result<Self, BodyError> {
        let compressed = zstd::bulk::compress(raw, LEVEL)?;
        Ok(Self {
            compressed: compressed.into(),
            len: raw.len() as u64,
            sha256: Sha256::digest(raw).into(),
        })
    }

    /// From parts that came over the wire; nothing is checked until [`Body::raw`].
    pub fn from_parts(compressed: Bytes, len: u64, sha256: [u8; 32]) -> Self {
        Self { compressed, len, sha256 }
    }

    /// The original bytes, checked against length and checksum.
    pub fn raw(&self) -> Result<Bytes, BodyError> {
        let capacity = usize::try_from(self.len).unwrap_or(usize::MAX);
        let raw = zstd::bulk::decompress(&self.compressed, capacity)?;
        if raw.len() as u64 != self.len {
            return Err(BodyError::Length { expected: self.len, found: raw.len() as u64 });
        }
        if Sha256::digest(&raw)[..] != self.sha256 {
            return Err(BodyError::Checksum);
        }
        Ok(raw.into())
    }

    pub fn compressed(&self) -> &Bytes {
        &self.compressed
    }

    /// Uncompressed length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }
}
