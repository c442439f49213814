//! Looking through what rests on a disk, also where it is compressed.

use std::{
    io::{self, BufRead},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use zstd::{Decoder, dict::DecoderDictionary};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// What the store compresses against: without them, its frames show next to nothing.
const DICTIONARIES: [&[u8]; 3] = [
    include_bytes!("../../../storage-actor/store/src/bodies/dictionary.1.txt"),
    include_bytes!("../../../storage-actor/store/src/bodies/dictionary.2.txt"),
    include_bytes!("../../../storage-actor/store/src/bodies/dictionary.3.bin"),
];

static PREPARED: LazyLock<[DecoderDictionary<'static>; 3]> =
    LazyLock::new(|| DICTIONARIES.map(DecoderDictionary::copy));

/// All files below a directory but credential files, which are there to hold secrets.
///
/// # Panics
/// When a directory can't be read.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
        let path = entry.path();
        if path.ends_with("credentials") {
            continue;
        }
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// Shows the bytes as they are, and what is in each compressed frame among them, read without the
/// store's dictionaries and with each.
pub fn layers(bytes: &[u8], mut show: impl FnMut(&[u8])) {
    show(bytes);
    for at in (0..bytes.len().saturating_sub(3)).filter(|at| bytes[*at..].starts_with(&MAGIC)) {
        let mut readings = vec![plain(Decoder::new(&bytes[at..]))];
        for dictionary in &*PREPARED {
            let against = plain(Decoder::with_prepared_dictionary(&bytes[at..], dictionary));
            if !readings.contains(&against) {
                readings.push(against);
            }
        }
        for plain in &readings {
            show(plain);
        }
    }
}

/// What one frame holds. One that was overwritten in part gives what is left of it.
fn plain<R: BufRead>(decoder: io::Result<Decoder<'_, R>>) -> Vec<u8> {
    let mut plain = Vec::new();
    let frame = decoder.map(Decoder::single_frame);
    let _rest = frame.and_then(|mut frame| io::copy(&mut frame, &mut plain));
    plain
}

/// Whether an ASCII text stands in the bytes.
pub fn holds(bytes: &[u8], text: &str) -> bool {
    // The search of strings is the quick one, also where this crate is not optimised.
    String::from_utf8_lossy(bytes).contains(text)
}

#[cfg(test)]
mod tests {
    use zstd::bulk::Compressor;

    use super::*;

    #[test]
    fn a_frame_is_read_with_and_without_each_dictionary() {
        for dictionary in DICTIONARIES {
            let text = std::str::from_utf8(dictionary.last_chunk::<200>().expect("more"));
            let text = text.expect("ASCII");
            let compressors = [Compressor::with_dictionary(3, dictionary), Compressor::new(3)];
            for compressor in compressors {
                let frame = compressor.expect("made").compress(text.repeat(2).as_bytes());
                let frame = frame.expect("compressed");
                let stored = [&b"before"[..], &frame[..], &b"behind"[..]].concat();
                let mut seen = 0;
                layers(&stored, |plain| seen += usize::from(holds(plain, &text.repeat(2))));
                assert_eq!(seen, 1);
            }
        }
    }
}
