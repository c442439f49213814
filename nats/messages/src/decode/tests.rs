use std::io::Write;

use super::*;

const LIMIT: usize = 1 << 20;

fn gzip(raw: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(raw).expect("a vector takes it");
    encoder.finish().expect("a vector takes it")
}

fn encode(coding: &str, raw: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::fast();
    let written = match coding {
        "gzip" => return gzip(raw),
        "zlib" => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(raw).and_then(|()| encoder.finish())
        }
        "raw" => {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
            encoder.write_all(raw).and_then(|()| encoder.finish())
        }
        "br" => {
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
            encoder.write_all(raw).map(|()| encoder.into_inner())
        }
        _zstd => zstd::encode_all(raw, 1),
    };
    written.expect("a vector takes it")
}

fn sample() -> Vec<u8> {
    (0..100_000_u32).flat_map(|n| n.to_string().into_bytes()).collect()
}

const CODINGS: [(&str, &str); 5] =
    [("gzip", "gzip"), ("deflate", "zlib"), ("deflate", "raw"), ("br", "br"), ("zstd", "zstd")];

#[test]
fn every_coding_decodes_whole_and_in_any_chunks() {
    let raw = sample();
    for (name, coding) in CODINGS {
        let encoded = encode(coding, &raw);
        let decoded = decode(Some(name), &encoded, LIMIT);
        assert_eq!((decoded.fault, decoded.bytes.len()), (None, raw.len()), "{coding}");
        assert_eq!(decoded.bytes, raw, "{coding}");
        for size in [1, 7, 4096] {
            let mut stepwise = Decoder::new(Some(name), LIMIT);
            let mut bytes: Vec<u8> =
                encoded.chunks(size).flat_map(|chunk| stepwise.push(chunk)).collect();
            bytes.append(&mut stepwise.finish());
            assert_eq!(stepwise.fault(), None, "{coding} in chunks of {size}");
            assert!(bytes == raw, "{coding} in chunks of {size}");
        }
    }
}

#[test]
fn a_cut_body_gives_its_beginning() {
    let raw = sample();
    for (name, coding) in CODINGS {
        let encoded = encode(coding, &raw);
        let decoded = decode(Some(name), &encoded[..encoded.len() / 2], LIMIT);
        assert_eq!(decoded.fault, Some(Fault::Truncated), "{coding}");
        assert!(raw.starts_with(&decoded.bytes), "{coding}");
        assert!(decoded.bytes.len() > raw.len() / 20, "{coding}: {}", decoded.bytes.len());
    }
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let raw = vec![0_u8; 8 << 20];
    for (name, coding) in CODINGS {
        let encoded = encode(coding, &raw);
        let decoded = decode(Some(name), &encoded, 1000);
        assert_eq!((decoded.fault, decoded.bytes.len()), (Some(Fault::TooLarge), 1000), "{coding}");
    }
}

#[test]
fn codings_stack_and_unknown_ones_are_said() {
    let raw = sample();
    let twice = encode("br", &gzip(&raw));
    assert_eq!(decode(Some("GZIP, identity, br"), &twice, LIMIT).bytes, raw);
    assert_eq!(decode(Some("sdch"), &raw, LIMIT).fault, Some(Fault::UnknownCoding));
    assert_eq!(decode(Some("gzip,gzip,gzip,gzip,gzip"), b"", 9).fault, Some(Fault::UnknownCoding));
    assert_eq!(decode(Some(" identity "), b"x", LIMIT).bytes, b"x".as_slice());
    assert_eq!(decode(None, b"xy", 1).fault, Some(Fault::TooLarge));
}

#[test]
fn garbage_is_corrupt() {
    for (name, _) in CODINGS {
        let decoded = decode(Some(name), b"this is not encoded at all, not in the least", LIMIT);
        assert!(decoded.fault.is_some(), "{name}");
    }
}

#[test]
fn what_a_stream_flushed_before_it_was_cut_is_read() {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    let mut flushed = 0;
    for event in 0..200 {
        write!(encoder, "event: ping\ndata: {event}\n\n").expect("a vector takes it");
        encoder.flush().expect("a vector takes it");
        flushed = encoder.get_ref().len();
    }
    let decoded = decode(Some("br"), &encoder.get_ref()[..flushed], LIMIT);
    assert!(decoded.bytes.ends_with(b"data: 199\n\n"), "{} bytes", decoded.bytes.len());
    assert_eq!(decoded.fault, Some(Fault::Truncated));
}
