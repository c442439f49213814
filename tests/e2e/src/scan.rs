//! Looking through what rests on a disk, also where it is compressed.

use std::path::{Path, PathBuf};

const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

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

/// Shows the bytes as they are, and what is in each compressed frame among them.
pub fn layers(bytes: &[u8], mut show: impl FnMut(&[u8])) {
    show(bytes);
    for at in (0..bytes.len().saturating_sub(3)).filter(|at| bytes[*at..].starts_with(&ZSTD)) {
        let mut plain = Vec::new();
        let frame = zstd::Decoder::new(&bytes[at..]).map(zstd::Decoder::single_frame);
        // A frame that was overwritten in part gives what is left of it.
        let _rest = frame.and_then(|mut frame| std::io::copy(&mut frame, &mut plain));
        show(&plain);
    }
}

/// Whether an ASCII text stands in the bytes.
pub fn holds(bytes: &[u8], text: &str) -> bool {
    // The search of strings is the quick one, also where this crate is not optimised.
    String::from_utf8_lossy(bytes).contains(text)
}
