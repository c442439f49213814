//! One content coding being taken off, chunk by chunk.

use std::io::{self, Write};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use zstd::stream::raw::{self, Operation};

use super::Fault;

/// RFC 9659: a receiver of zstd as a content coding need not go beyond a window of 8 MiB.
const ZSTD_WINDOW_LOG: u32 = 23;
const BUFFER: usize = 16 * 1024;
/// What zlib's two-byte header is a multiple of (RFC 1950 §2.2).
const ZLIB_CHECK: u16 = 31;

pub(super) enum Stage {
    Gzip(MultiGzDecoder<Sink>),
    /// `deflate` before its first two bytes told which of its two forms it is.
    Deflate(Vec<u8>, usize),
    Zlib(ZlibDecoder<Sink>),
    RawDeflate(DeflateDecoder<Sink>),
    Brotli(Box<brotli::DecompressorWriter<Sink>>),
    Zstd(Zstd),
}

impl Stage {
    /// The stage for a coding's name, or `None` when it is unknown.
    pub(super) fn of(name: &str, limit: usize) -> Option<Self> {
        let sink = Sink { bytes: Vec::new(), left: limit };
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip(MultiGzDecoder::new(sink))),
            "deflate" => Some(Self::Deflate(Vec::new(), limit)),
            "br" => Some(Self::Brotli(Box::new(brotli::DecompressorWriter::new(sink, BUFFER)))),
            "zstd" => {
                let mut decoder = raw::Decoder::new().ok()?;
                decoder.set_parameter(raw::DParameter::WindowLogMax(ZSTD_WINDOW_LOG)).ok()?;
                Some(Self::Zstd(Zstd { decoder, sink, at_end: true }))
            }
            _unknown => None,
        }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) -> (Vec<u8>, Option<Fault>) {
        if let Self::Deflate(head, limit) = self {
            head.extend_from_slice(chunk);
            if head.len() < 2 {
                return (Vec::new(), None);
            }
            let head = std::mem::take(head);
            *self = deflate(&head, *limit);
            return self.push(&head);
        }
        let written = self.writer().write_all(chunk).and_then(|()| self.writer().flush());
        (self.sink().take(), written.err().map(|error| fault(&error)))
    }

    /// What is left, and whether the coding came to its end.
    pub(super) fn finish(&mut self) -> (Vec<u8>, Option<Fault>) {
        let end = match self {
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Zlib(decoder) => decoder.try_finish(),
            Self::RawDeflate(decoder) => decoder.try_finish(),
            Self::Deflate(..) => Err(io::ErrorKind::UnexpectedEof.into()),
            Self::Brotli(decoder) => decoder.close(),
            Self::Zstd(decoder) => decoder.finish(),
        };
        (self.sink().take(), end.err().map(|error| end_fault(&error)))
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Gzip(decoder) => decoder,
            Self::Zlib(decoder) => decoder,
            Self::RawDeflate(decoder) => decoder,
            Self::Deflate(head, _) => head,
            Self::Brotli(decoder) => decoder.as_mut(),
            Self::Zstd(decoder) => decoder,
        }
    }

    fn sink(&mut self) -> &mut dyn Take {
        match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zlib(decoder) => decoder.get_mut(),
            Self::RawDeflate(decoder) => decoder.get_mut(),
            Self::Deflate(head, _) => head,
            Self::Brotli(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => &mut decoder.sink,
        }
    }
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stage")
    }
}

/// `deflate` means zlib, but some senders leave zlib's frame out; the header's check tells.
fn deflate(head: &[u8], limit: usize) -> Stage {
    let sink = Sink { bytes: Vec::new(), left: limit };
    let header = u16::from_be_bytes([head[0], head[1]]);
    let is_zlib = head[0] & 0x0f == 8 && header.is_multiple_of(ZLIB_CHECK);
    if is_zlib {
        Stage::Zlib(ZlibDecoder::new(sink))
    } else {
        Stage::RawDeflate(DeflateDecoder::new(sink))
    }
}

/// The crate's own writer does not say whether a frame came to its end.
pub(super) struct Zstd {
    decoder: raw::Decoder<'static>,
    sink: Sink,
    /// Between two frames.
    at_end: bool,
}

impl Zstd {
    fn finish(&self) -> io::Result<()> {
        if self.at_end { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl Write for Zstd {
    fn write(&mut self, input: &[u8]) -> io::Result<usize> {
        let mut out = [0; BUFFER];
        let mut read = 0;
        loop {
            let step = self.decoder.run_on_buffers(&input[read..], &mut out)?;
            read += step.bytes_read;
            self.sink.write_all(&out[..step.bytes_written])?;
            self.at_end = step.remaining == 0;
            let is_drained = step.bytes_written < out.len();
            if is_drained && (read == input.len() || step.bytes_read == 0) {
                return Ok(read);
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes decoded bytes up to a bound, so that a bomb stops while it unfolds.
pub(super) struct Sink {
    bytes: Vec<u8>,
    left: usize,
}

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let len = buf.len().min(self.left);
        if len == 0 && !buf.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(&buf[..len]);
        self.left -= len;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

trait Take {
    fn take(&mut self) -> Vec<u8>;
}

impl Take for Sink {
    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

impl Take for Vec<u8> {
    /// Nothing is decoded before the form is known.
    fn take(&mut self) -> Vec<u8> {
        Vec::new()
    }
}

fn fault(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Fault::TooLarge,
        _other => Fault::Corrupt,
    }
}

fn end_fault(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Fault::TooLarge,
        _other => Fault::Truncated,
    }
}
