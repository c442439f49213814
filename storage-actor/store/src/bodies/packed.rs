//! Bytes as they lie in a row: one byte for how they are packed, their length, and they themselves.
//!
//! Most segments are a few hundred bytes of JSON or of a stream, and so are the linker's facts. They
//! compress badly by themselves and well against a dictionary of what such texts are made of. A
//! dictionary that was once used is kept for ever: the first byte says which.

use std::{cell::RefCell, io, sync::OnceLock};

use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
    zstd_safe::CParameter,
};

use super::varint;

/// Text that segments are likely to repeat, the likeliest last.
const DICTIONARY_1: &[u8] = include_bytes!("dictionary.1.txt");
/// Text that the linker's facts are likely to repeat.
const DICTIONARY_2: &[u8] = include_bytes!("dictionary.2.txt");
/// The text of the first behind tables of how often what stands in small segments: each would bring
/// tables of its own. `ZDICT_finalizeDictionary` made them of the recorded sessions' segments.
const DICTIONARY_3: &[u8] = include_bytes!("dictionary.3.bin");
/// Small segments are most of all and cost little time even when compressed well. On generated
/// sessions level 15 takes 20 times as long as 6 for 2 % less.
const SMALL: usize = 8 * 1024;
const LEVEL_SMALL: i32 = 6;
const LEVEL_LARGE: i32 = 3;
/// Higher ones find nothing more.
const LEVEL_FACTS: i32 = 5;

const PLAIN: u8 = 0;
const ZSTD_1: u8 = 1;
const ZSTD_2: u8 = 2;
/// Plain, and without a length: what a migration could make of a text.
const TEXT: u8 = 3;
const ZSTD_3: u8 = 4;

/// Nothing that was packed is longer; a row that says so is damaged.
const MAX_LENGTH: usize = 1 << 30;

/// What is packed, as far as it is packed differently.
#[derive(Clone, Copy)]
enum Kind {
    SmallSegment,
    LargeSegment,
    Facts,
}

impl Kind {
    const COUNT: usize = 3;

    const fn tag(self) -> u8 {
        match self {
            Self::SmallSegment => ZSTD_3,
            Self::LargeSegment => ZSTD_1,
            Self::Facts => ZSTD_2,
        }
    }

    fn encoder(self) -> EncoderDictionary<'static> {
        let (dictionary, level) = match self {
            Self::SmallSegment => (DICTIONARY_3, LEVEL_SMALL),
            Self::LargeSegment => (DICTIONARY_1, LEVEL_LARGE),
            Self::Facts => (DICTIONARY_2, LEVEL_FACTS),
        };
        EncoderDictionary::copy(dictionary, level)
    }
}

/// Packs a segment.
pub fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let kind = if bytes.len() <= SMALL { Kind::SmallSegment } else { Kind::LargeSegment };
    pack_as(kind, bytes)
}

/// Packs what the linker knows of an exchange.
pub(crate) fn pack_facts(bytes: &[u8]) -> io::Result<Vec<u8>> {
    pack_as(Kind::Facts, bytes)
}

fn pack_as(kind: Kind, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let compressed = compress(kind, bytes)?;
    let (tag, data) =
        if compressed.len() < bytes.len() { (kind.tag(), &compressed[..]) } else { (PLAIN, bytes) };
    let mut packed = Vec::with_capacity(data.len() + 6);
    packed.push(tag);
    varint::put(&mut packed, bytes.len());
    packed.extend_from_slice(data);
    Ok(packed)
}

thread_local! {
    // Setting up a context takes longer than most segments take.
    static COMPRESSORS: Compressors = const { RefCell::new([const { None }; Kind::COUNT]) };
}

type Compressors = RefCell<[Option<Compressor<'static>>; Kind::COUNT]>;

fn compress(kind: Kind, bytes: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSORS.with_borrow_mut(|compressors| {
        let slot = &mut compressors[kind as usize];
        let mut compressor = slot.take().map_or_else(|| compressor(kind), Ok)?;
        let compressed = compressor.compress(bytes);
        *slot = Some(compressor);
        compressed
    })
}

fn compressor(kind: Kind) -> io::Result<Compressor<'static>> {
    static ENCODERS: [OnceLock<EncoderDictionary<'static>>; Kind::COUNT] =
        [const { OnceLock::new() }; Kind::COUNT];
    let dictionary = ENCODERS[kind as usize].get_or_init(|| kind.encoder());
    let mut compressor = Compressor::with_prepared_dictionary(dictionary)?;
    // The length and the dictionary's tag stand before the frame already.
    compressor.set_parameter(CParameter::ContentSizeFlag(false))?;
    compressor.set_parameter(CParameter::DictIdFlag(false))?;
    Ok(compressor)
}

/// What was packed.
pub fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let (tag, mut data) = packed.split_first().ok_or_else(|| damaged("it is empty"))?;
    if *tag == TEXT {
        return Ok(data.to_vec());
    }
    let length = varint::get(&mut data).filter(|length| *length <= MAX_LENGTH);
    let length = length.ok_or_else(|| damaged("its length cannot be"))?;
    if *tag == PLAIN {
        return Ok(data.to_vec());
    }
    let dictionary = decoder(*tag)
        .ok_or_else(|| damaged("it is packed in a way that this version does not know"))?;
    Decompressor::with_prepared_dictionary(dictionary)?.decompress(data, length)
}

fn decoder(tag: u8) -> Option<&'static DecoderDictionary<'static>> {
    static DECODERS: [OnceLock<DecoderDictionary<'static>>; 3] = [const { OnceLock::new() }; 3];
    let (slot, dictionary) = match tag {
        ZSTD_1 => (0, DICTIONARY_1),
        ZSTD_2 => (1, DICTIONARY_2),
        ZSTD_3 => (2, DICTIONARY_3),
        _ => return None,
    };
    Some(DECODERS[slot].get_or_init(|| DecoderDictionary::copy(dictionary)))
}

fn damaged(why: &str) -> io::Error {
    let message = format!("what is packed in a row cannot be unpacked: {why}");
    io::Error::new(io::ErrorKind::InvalidData, message)
}
