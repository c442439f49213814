//! Walks the bytes of a JSON text without building anything.
//!
//! It only follows strings and brackets. That is enough to cut, because what was cut is joined again
//! byte for byte: a text that is not quite JSON costs sharing, never bytes.

use memchr::memchr2;

/// The byte after the string that opens at `at`.
pub(super) fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut i = at + 1;
    loop {
        i += memchr2(b'"', b'\\', text.get(i..)?)?;
        if text[i] == b'"' {
            return Some(i + 1);
        }
        i += 2;
    }
}

/// The first byte at or after `at` that is not white space.
pub(super) fn skip_space(text: &[u8], at: usize) -> usize {
    at + text[at.min(text.len())..].iter().take_while(|byte| is_space(**byte)).count()
}

/// The byte after the value that begins at `at`.
pub(super) fn value_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => string_end(text, at),
        b'{' | b'[' => brackets_end(text, at),
        _ => {
            let rest = &text[at..];
            let length = rest.iter().take_while(|byte| !ends_scalar(**byte)).count();
            (length > 0 && at + length < text.len()).then_some(at + length)
        }
    }
}

fn brackets_end(text: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut i = at;
    loop {
        match text.get(i)? {
            b'"' => i = string_end(text, i)?,
            b'{' | b'[' => (depth, i) = (depth + 1, i + 1),
            b'}' | b']' => {
                (depth, i) = (depth - 1, i + 1);
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => i += 1,
        }
    }
}

/// What a walk over an object's members or a list's elements meets: where the item begins (the comma
/// before it included) and where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    /// The comma before the item, or the byte after the opening bracket.
    pub start: usize,
    /// The key's opening quote, or the element's first byte.
    pub at: usize,
    pub value: usize,
    pub end: usize,
}

/// The items of the object or list that opens at `at`, and the position of its closing bracket.
pub(super) fn items(text: &[u8], at: usize, max: usize) -> Option<(Vec<Item>, usize)> {
    let keyed = text.get(at)? == &b'{';
    let close = if keyed { b'}' } else { b']' };
    let mut found = Vec::new();
    let mut start = at + 1;
    loop {
        let from = if found.is_empty() { start } else { start + 1 };
        let first = skip_space(text, from);
        if *text.get(first)? == close {
            return found.is_empty().then_some((found, first));
        }
        let value = if keyed { member_value(text, first)? } else { first };
        let end = value_end(text, value)?;
        found.push(Item { start, at: first, value, end });
        let next = skip_space(text, end);
        match text.get(next)? {
            b',' if found.len() < max => start = next,
            byte if *byte == close => return Some((found, next)),
            _ => return None,
        }
    }
}

fn member_value(text: &[u8], key: usize) -> Option<usize> {
    if text.get(key)? != &b'"' {
        return None;
    }
    let colon = skip_space(text, string_end(text, key)?);
    (text.get(colon)? == &b':').then(|| skip_space(text, colon + 1))
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

const fn ends_scalar(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b',' | b'}' | b']' | b'{' | b'[' | b':' | b'"')
}
