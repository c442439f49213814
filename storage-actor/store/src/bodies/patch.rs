//! Takes `cache_control` members out of a piece and puts them back.
//!
//! A patch is a sequence of (bytes to copy first, length, bytes to insert), numbers as LEB128.

use memchr::memmem;

use super::{scan, varint};

/// Bytes to take out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub start: usize,
    pub end: usize,
}

const KEY: &[u8] = br#""cache_control""#;

/// The members named `cache_control` within `text[from..to]`, each with the comma that goes with it.
pub(super) fn cache_controls(text: &[u8], from: usize, to: usize) -> Vec<Taken> {
    let mut found = Vec::new();
    if memmem::find(&text[from..to], KEY).is_none() {
        return found;
    }
    let (mut i, mut before) = (from, from);
    while i < to {
        if text[i] == b'"' {
            let Some(end) = scan::string_end(text, i).filter(|end| *end <= to) else { break };
            if let Some(taken) = member(text, before, i, end, to) {
                found.push(taken);
                i = taken.end;
            } else {
                (before, i) = (i, end);
            }
        } else {
            if !text[i].is_ascii_whitespace() {
                before = i;
            }
            i += 1;
        }
    }
    found
}

/// `before` is the last byte in front of the string that is no space.
fn member(text: &[u8], before: usize, at: usize, end: usize, to: usize) -> Option<Taken> {
    let colon = scan::skip_space(text, end);
    if &text[at..end] != KEY || text.get(colon) != Some(&b':') {
        return None;
    }
    let value_end = scan::value_end(text, scan::skip_space(text, colon + 1))?;
    if value_end > to {
        return None;
    }
    if text[before] == b',' && before < at {
        return Some(Taken { start: before, end: value_end });
    }
    let comma = scan::skip_space(text, value_end);
    let end = if comma < to && text[comma] == b',' { comma + 1 } else { value_end };
    Some(Taken { start: at, end })
}

/// `text[start..end]` without `taken`, and the patch that puts it back.
pub(super) fn take(text: &[u8], start: usize, end: usize, taken: &[Taken]) -> (Vec<u8>, Vec<u8>) {
    let (mut bytes, mut patch) = (Vec::with_capacity(end - start), Vec::new());
    let mut done = start;
    for one in taken {
        bytes.extend_from_slice(&text[done..one.start]);
        varint::put(&mut patch, one.start - done);
        varint::put(&mut patch, one.end - one.start);
        patch.extend_from_slice(&text[one.start..one.end]);
        done = one.end;
    }
    bytes.extend_from_slice(&text[done..end]);
    (bytes, patch)
}

/// Appends the piece to `out` as it was. `None` when the patch does not fit the bytes.
pub(super) fn apply(bytes: &[u8], mut patch: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = bytes;
    while !patch.is_empty() {
        let (copied, length) = (varint::get(&mut patch)?, varint::get(&mut patch)?);
        let (copy, inserted) = (rest.split_at_checked(copied)?, patch.split_at_checked(length)?);
        out.extend_from_slice(copy.0);
        out.extend_from_slice(inserted.0);
        (rest, patch) = (copy.1, inserted.1);
    }
    out.extend_from_slice(rest);
    Some(())
}
