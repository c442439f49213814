//! The bytes of a request or of an answer, exactly as they were on the wire, compressed.

use std::cell::RefCell;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use thiserror::Error;
use zstd::{
    bulk::{Compressor, Decompressor},
    zstd_safe::compress_bound,
};

/// Level 1: captured bodies are compressed once in the pipeline's background, and speed counts.
const LEVEL: i32 = 1;

/// Bytes of the room for what a body compresses to that a thread keeps for the next one.
const KEPT_ROOM: usize = 1 << 20;

/// A context, and where it writes to.
type Compressing = (Compressor<'static>, Vec<u8>);

thread_local! {
    // A context takes a megabyte to set up: more than most bodies take to compress.
    static COMPRESSING: RefCell<Option<Compressing>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn compress(raw: &[u8]) -> std::io::Result<Bytes> {
    COMPRESSING.with_borrow_mut(|slot| {
        let begin = || Compressor::new(LEVEL).map(|compressor| (compressor, Vec::new()));
        let (mut compressor, mut room) = slot.take().map_or_else(begin, Ok)?;
        room.clear();
        room.reserve(compress_bound(raw.len()));
        compressor.compress_to_buffer(raw, &mut room)?;
        // Copied: the room is for the worst case, and the event keeps what it has as long as it lives.
        let compressed = Bytes::copy_from_slice(&room);
        room.clear();
        room.shrink_to(KEPT_ROOM);
        *slot = Some((compressor, room));
        Ok(compressed)
    })
}

fn decompress(compressed: &[u8], capacity: usize) -> std::io::Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|slot| {
        let mut decompressor = slot.take().map_or_else(Decompressor::new, Ok)?;
        let raw = decompressor.decompress(compressed, capacity);
        *slot = Some(decompressor);
        raw
    })
}

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
        Ok(Self {
            compressed: compress(raw)?,
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
        let raw = decompress(&self.compressed, capacity)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_one_after_the_other_whatever_their_sizes() {
        for size in [0, 10, 3 * KEPT_ROOM, 1, 2 * KEPT_ROOM, 200] {
            let raw: Vec<u8> = (0..=250).cycle().take(size).collect();
            let body = Body::new(&raw).expect("compresses");
            assert!(body.raw().expect("whole") == raw, "{size} bytes");
        }
        let kept = COMPRESSING.with_borrow(|slot| slot.as_ref().map(|(_, room)| room.capacity()));
        assert!(kept.expect("kept for the next one") <= KEPT_ROOM);
    }
}
