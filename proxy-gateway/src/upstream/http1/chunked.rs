//! The chunked transfer coding (RFC 9112 §7.1), read incrementally.

use bytes::{Buf, Bytes, BytesMut};

use crate::upstream::error::UpstreamError;

/// A size with its extensions, or a trailer field, is at most this long.
const MAX_LINE: usize = 16 * 1024;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Chunked {
    /// A chunk's size comes next.
    #[default]
    Size,
    /// So many bytes of the chunk are left.
    Data(u64),
    /// The line end behind a chunk comes next.
    DataEnd,
    /// Trailer fields, which are dropped, up to an empty line.
    Trailer,
    Done,
}

impl Chunked {
    /// The data of all chunks, or parts of chunks, that `read` holds. They are joined: what came in
    /// one read goes on in one write.
    pub fn take(&mut self, read: &mut BytesMut) -> Result<Bytes, UpstreamError> {
        let mut taken = Taken::default();
        while let Some(next) = self.step(read, &mut taken)? {
            *self = next;
            if next == Self::Done {
                break;
            }
        }
        Ok(taken.into_bytes())
    }

    /// The next state, or `None` when more bytes are needed.
    fn step(self, read: &mut BytesMut, taken: &mut Taken) -> Result<Option<Self>, UpstreamError> {
        Ok(match self {
            Self::Size => match take_line(read)? {
                Some(line) => Some(match size(&line)? {
                    0 => Self::Trailer,
                    size => Self::Data(size),
                }),
                None => None,
            },
            Self::Data(left) => {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(read.len());
                taken.add(read, here);
                match left - here as u64 {
                    0 => Some(Self::DataEnd),
                    _ if here == 0 => None,
                    left => Some(Self::Data(left)),
                }
            }
            Self::DataEnd => match take_line(read)? {
                Some(line) if line.is_empty() => Some(Self::Size),
                Some(_text) => {
                    return Err(UpstreamError::Malformed("a chunk is longer than its size"));
                }
                None => None,
            },
            Self::Trailer => take_line(read)?
                .map(|line| if line.is_empty() { Self::Done } else { Self::Trailer }),
            Self::Done => Some(Self::Done),
        })
    }
}

/// Data pieces; only a second one makes a copy necessary.
#[derive(Default)]
struct Taken {
    first: Bytes,
    joined: BytesMut,
}

impl Taken {
    fn add(&mut self, read: &mut BytesMut, length: usize) {
        if length == 0 {
            return;
        }
        if self.first.is_empty() {
            self.first = read.split_to(length).freeze();
            return;
        }
        if self.joined.is_empty() {
            self.joined.reserve(self.first.len() + read.len());
            self.joined.extend_from_slice(&self.first);
        }
        self.joined.extend_from_slice(&read[..length]);
        read.advance(length);
    }

    fn into_bytes(self) -> Bytes {
        if self.joined.is_empty() { self.first } else { self.joined.freeze() }
    }
}

/// Takes a line without its end.
fn take_line(read: &mut BytesMut) -> Result<Option<Bytes>, UpstreamError> {
    let Some(end) = read.iter().take(MAX_LINE).position(|byte| *byte == b'\n') else {
        let too_long = read.len() >= MAX_LINE;
        return if too_long {
            Err(UpstreamError::Malformed("a line is too long"))
        } else {
            Ok(None)
        };
    };
    let mut line = read.split_to(end + 1).freeze();
    line.truncate(end);
    if line.ends_with(b"\r") {
        line.truncate(end - 1);
    }
    Ok(Some(line))
}

fn size(line: &[u8]) -> Result<u64, UpstreamError> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let malformed = UpstreamError::Malformed("a chunk's size is not a number");
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(malformed);
    }
    let digits = std::str::from_utf8(digits).unwrap_or_default();
    u64::from_str_radix(digits, 16).map_err(|_overflow| malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn data_of_one_read_is_joined_and_trailers_are_dropped() {
        let mut read = BytesMut::from("3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nt: v\r\n\r\nnext");
        let mut chunked = Chunked::default();
        assert_eq!(&chunked.take(&mut read).expect("valid")[..], b"abcde");
        assert_eq!(chunked, Chunked::Done);
        assert_eq!(&read[..], b"next");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["x\r\n", "\r\n", "1\r\nab\r\n", "fffffffffffffffff\r\n", "-1\r\n"] {
            assert!(Chunked::default().take(&mut BytesMut::from(text)).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_data(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            cut in 1_usize..30,
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                wire.extend(chunk);
                wire.extend(b"\r\n");
            }
            wire.extend(b"0\r\n\r\n");
            let (mut chunked, mut read, mut data) = (Chunked::default(), BytesMut::new(), Vec::new());
            for part in wire.chunks(cut) {
                prop_assert_ne!(chunked, Chunked::Done);
                read.extend_from_slice(part);
                data.extend(chunked.take(&mut read).expect("valid"));
            }
            prop_assert_eq!(chunked, Chunked::Done);
            prop_assert_eq!(data, chunks.concat());
        }
    }
}
