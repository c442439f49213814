//! A segment as it lies in its row: one byte for how it is packed, its length, its bytes.
//!
//! Most segments are a few hundred bytes of JSON or of a stream. They compress badly by themselves and
//! well against a dictionary of what such texts are made of. A dictionary that was once used is kept
//! for ever: the first byte says which.

use std::{cell::RefCell, io, sync::OnceLock};

use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
    zstd_safe::CParameter,
};

use super::varint;

/// Text that segments are likely to repeat, the likeliest last.
const DICTIONARY_1: &[u8] = include_bytes!("dictionary.1.txt");
/// Small segments are most of all and cost little time even when compressed well. On generated
/// sessions level 15 takes 20 times as long as 6 for 2 % less.
const SMALL: usize = 8 * 1024;
const LEVEL_SMALL: i32 = 6;
const LEVEL_LARGE: i32 = 3;

const PLAIN: u8 = 0;
const ZSTD_1: u8 = 1;

/// Nothing that was packed is longer; a row that says so is damaged.
const MAX_LENGTH: usize = 1 << 30;

/// Packs `bytes`.
pub fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let compressed = compress(bytes)?;
    let (tag, data) =
        if compressed.len() < bytes.len() { (ZSTD_1, &compressed[..]) } else { (PLAIN, bytes) };
    let mut packed = Vec::with_capacity(data.len() + 6);
    packed.push(tag);
    varint::put(&mut packed, bytes.len());
    packed.extend_from_slice(data);
    Ok(packed)
}

thread_local! {
    // Setting up a context takes longer than most segments take.
    static FOR_SMALL: Slot = const { Slot::new(None) };
    static FOR_LARGE: Slot = const { Slot::new(None) };
}

type Slot = RefCell<Option<Compressor<'static>>>;

fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let is_small = bytes.len() <= SMALL;
    let slot = if is_small { &FOR_SMALL } else { &FOR_LARGE };
    slot.with_borrow_mut(|slot| {
        let mut compressor = slot.take().map_or_else(|| compressor(is_small), Ok)?;
        let compressed = compressor.compress(bytes);
        *slot = Some(compressor);
        compressed
    })
}

fn compressor(is_small: bool) -> io::Result<Compressor<'static>> {
    static FOR_SMALL: OnceLock<EncoderDictionary<'static>> = OnceLock::new();
    static FOR_LARGE: OnceLock<EncoderDictionary<'static>> = OnceLock::new();
    let (dictionary, level) =
        if is_small { (&FOR_SMALL, LEVEL_SMALL) } else { (&FOR_LARGE, LEVEL_LARGE) };
    let dictionary = dictionary.get_or_init(|| EncoderDictionary::copy(DICTIONARY_1, level));
    let mut compressor = Compressor::with_prepared_dictionary(dictionary)?;
    // The length stands before the frame already.
    compressor.set_parameter(CParameter::ContentSizeFlag(false))?;
    Ok(compressor)
}

/// What was packed.
pub fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    static DICTIONARY: OnceLock<DecoderDictionary<'static>> = OnceLock::new();
    let (tag, mut data) = packed.split_first().ok_or_else(|| damaged("it is empty"))?;
    let length = varint::get(&mut data).filter(|length| *length <= MAX_LENGTH);
    let length = length.ok_or_else(|| damaged("its length cannot be"))?;
    match *tag {
        PLAIN => Ok(data.to_vec()),
        ZSTD_1 => {
            let dictionary = DICTIONARY.get_or_init(|| DecoderDictionary::copy(DICTIONARY_1));
            let mut decompressor = Decompressor::with_prepared_dictionary(dictionary)?;
            decompressor.decompress(data, length)
        }
        _ => Err(damaged("it is packed in a way that this version does not know")),
    }
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a segment cannot be unpacked: {why}"))
}
