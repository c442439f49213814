//! The frame: the unit of writing, of checking, and of damage.
//!
//! ```text
//!  0  u32 LE   marker: the segment's salt
//!  4  u32 LE   CRC-32C of the bytes 8..48
//!  8  u32 LE   CRC-32C of the payload
//! 12  u32 LE   length of the payload
//! 16  16 bytes id of the exchange
//! 32  u64 LE   when it was written, microseconds since the epoch
//! 40  u32 LE   position within the exchange's request, or within its answer, from 0
//! 44  u8       kind
//! 45  u8       1 when the frame was carried over from an older segment; 2 bytes of zero
//! 48           the payload, then zeroes up to the next multiple of 8
//! ```

use nexus_contract::ExchangeId;

/// Bytes of a frame before its payload.
pub const HEADER: usize = 48;

/// Frames begin at multiples of this, so that a reader finds the next one behind damaged bytes.
pub const ALIGN: usize = 8;

/// What a frame says about its exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// JSON: [`RequestHead`](crate::RequestHead). Always the first of its exchange.
    RequestHead = 1,
    /// Bytes of the request's body.
    RequestChunk = 2,
    /// One byte: 1 when the request's body is complete.
    RequestEnd = 3,
    /// JSON: [`ResponseHead`](crate::ResponseHead).
    ResponseHead = 4,
    /// Bytes of the answer's body.
    ResponseChunk = 5,
    /// JSON: `nexus_contract::ResponseFinished`. Always the last of its exchange.
    Finish = 6,
    /// JSON: what is left of an exchange of which frames were lost. Always the last as well.
    Tombstone = 7,
    /// JSON: [`RequestHead`](crate::RequestHead), carried over after the stream had the request, so
    /// that the rest of it was left behind.
    RequestShipped = 8,
}

/// The two halves of an exchange; frames are numbered within theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    Request,
    Response,
}

impl FrameKind {
    pub const fn side(self) -> Side {
        match self {
            Self::RequestHead | Self::RequestChunk | Self::RequestEnd | Self::RequestShipped => {
                Side::Request
            }
            Self::ResponseHead | Self::ResponseChunk | Self::Finish | Self::Tombstone => {
                Side::Response
            }
        }
    }

    const ALL: [Self; 8] = [
        Self::RequestHead,
        Self::RequestChunk,
        Self::RequestEnd,
        Self::ResponseHead,
        Self::ResponseChunk,
        Self::Finish,
        Self::Tombstone,
        Self::RequestShipped,
    ];

    fn parse(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code)
    }
}

/// A frame without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    pub id: ExchangeId,
    pub seq: u32,
    pub kind: FrameKind,
    pub at_micros: u64,
    pub len: u32,
    pub payload_crc: u32,
    /// Written before, in a segment that was in the way.
    pub carried: bool,
}

/// What stands where a frame may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peek {
    /// A frame whose header is whole.
    Frame(FrameHeader),
    /// The marker of a frame whose header is damaged or cut off.
    Damaged,
    /// No frame of this segment.
    Nothing,
}

impl FrameHeader {
    pub fn encode(&self, salt: u32) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[0..4].copy_from_slice(&salt.to_le_bytes());
        out[8..12].copy_from_slice(&self.payload_crc.to_le_bytes());
        out[12..16].copy_from_slice(&self.len.to_le_bytes());
        out[16..32].copy_from_slice(self.id.0.as_bytes());
        out[32..40].copy_from_slice(&self.at_micros.to_le_bytes());
        out[40..44].copy_from_slice(&self.seq.to_le_bytes());
        out[44] = self.kind as u8;
        out[45] = u8::from(self.carried);
        let crc = crc32c::crc32c(&out[8..]);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the header at the start of `bytes`.
    pub fn peek(bytes: &[u8], salt: u32) -> Peek {
        if u32_at(bytes, 0) != Some(salt) {
            return Peek::Nothing;
        }
        Self::decode(bytes).map_or(Peek::Damaged, Peek::Frame)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let checked = bytes.get(8..HEADER)?;
        if u32_at(bytes, 4)? != crc32c::crc32c(checked) {
            return None;
        }
        Some(Self {
            id: ExchangeId(uuid::Uuid::from_slice(bytes.get(16..32)?).ok()?),
            seq: u32_at(bytes, 40)?,
            kind: FrameKind::parse(*bytes.get(44)?)?,
            at_micros: u64::from_le_bytes(bytes.get(32..40)?.try_into().ok()?),
            len: u32_at(bytes, 12)?,
            payload_crc: u32_at(bytes, 8)?,
            carried: *bytes.get(45)? == 1,
        })
    }

    /// Bytes from this frame's start to the next one's.
    pub const fn stride(&self) -> u64 {
        (HEADER + padded(self.len as usize)) as u64
    }
}

/// `len` rounded up to [`ALIGN`].
pub const fn padded(len: usize) -> usize {
    len.next_multiple_of(ALIGN)
}

pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> impl Strategy<Value = FrameHeader> {
        let kind = prop::sample::select(FrameKind::ALL.to_vec());
        (any::<u128>(), any::<u32>(), kind, any::<u64>(), any::<u32>(), any::<u32>(), any::<bool>())
            .prop_map(|(id, seq, kind, at_micros, len, payload_crc, carried)| FrameHeader {
                id: ExchangeId(uuid::Uuid::from_u128(id)),
                seq,
                kind,
                at_micros,
                len,
                payload_crc,
                carried,
            })
    }

    proptest! {
        #[test]
        fn a_header_comes_back_as_it_was(header in header(), salt: u32) {
            let bytes = header.encode(salt);
            prop_assert_eq!(FrameHeader::peek(&bytes, salt), Peek::Frame(header));
            prop_assert_eq!(FrameHeader::peek(&bytes, !salt), Peek::Nothing);
        }

        #[test]
        fn one_flipped_bit_is_always_noticed(header in header(), salt: u32, bit in 32..HEADER * 8) {
            let mut bytes = header.encode(salt);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(FrameHeader::peek(&bytes, salt), Peek::Damaged);
        }
    }
}
