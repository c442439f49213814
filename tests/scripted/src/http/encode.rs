//! Content codings.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

/// A content coding that an answer may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    Brotli,
    Deflate,
}

impl Coding {
    /// The coding's token in `content-encoding`.
    pub fn token(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Deflate => "deflate",
        }
    }

    pub fn from_token(token: &str) -> Option<Self> {
        [Self::Gzip, Self::Brotli, Self::Deflate].into_iter().find(|coding| coding.token() == token)
    }
}

/// Encodes each part so that what has been sent can be decoded at once; the parts together are
/// one encoded body.
pub fn encode(coding: Coding, parts: &[Bytes]) -> std::io::Result<Vec<Bytes>> {
    match coding {
        Coding::Gzip => flushed(
            GzEncoder::new(Vec::new(), Compression::fast()),
            parts,
            GzEncoder::get_mut,
            GzEncoder::finish,
        ),
        Coding::Deflate => flushed(
            ZlibEncoder::new(Vec::new(), Compression::fast()),
            parts,
            ZlibEncoder::get_mut,
            ZlibEncoder::finish,
        ),
        Coding::Brotli => {
            let encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 4, 20);
            flushed(encoder, parts, brotli::CompressorWriter::get_mut, |encoder| {
                Ok(encoder.into_inner())
            })
        }
    }
}

fn flushed<W: Write>(
    mut encoder: W,
    parts: &[Bytes],
    sink: impl Fn(&mut W) -> &mut Vec<u8>,
    finish: impl FnOnce(W) -> std::io::Result<Vec<u8>>,
) -> std::io::Result<Vec<Bytes>> {
    let mut output = Vec::with_capacity(parts.len() + 1);
    for part in parts {
        encoder.write_all(part)?;
        encoder.flush()?;
        output.push(Bytes::from(std::mem::take(sink(&mut encoder))));
    }
    output.push(Bytes::from(finish(encoder)?));
    output.retain(|part| !part.is_empty());
    Ok(output)
}
