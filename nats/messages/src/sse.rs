//! Server-sent events, read incrementally (WHATWG HTML §9.2).
//!
//! Chunks may cut anything anywhere, also a UTF-8 sequence or a CRLF. Lines may have any length up
//! to [`MAX_EVENT`]. Only LF, CR and CRLF end a line; other Unicode line separators are text.

use std::borrow::Cow;

/// Bytes of one event's data, and of one line; a longer event is skipped and counted.
pub const MAX_EVENT: usize = 64 * 1024 * 1024;

/// One event of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The `event` field; empty when the event has none.
    pub name: Cow<'a, str>,
    /// The `data` lines, joined by LF.
    pub data: &'a [u8],
}

/// Turns chunks of bytes into events.
#[derive(Debug)]
pub struct SseReader {
    line: Line,
    name: Vec<u8>,
    data: Vec<u8>,
    data_lines: usize,
    /// The last byte was a CR, so an LF now belongs to it.
    after_cr: bool,
    first_line: bool,
    /// The event has grown beyond the limit.
    too_long: bool,
    max_event: usize,
    skipped: u64,
}

/// The unfinished line.
#[derive(Debug, Default)]
struct Line {
    bytes: Vec<u8>,
    too_long: bool,
}

impl Default for SseReader {
    fn default() -> Self {
        Self::new(MAX_EVENT)
    }
}

impl SseReader {
    /// A reader that skips events whose data is longer than `max_event` bytes.
    pub fn new(max_event: usize) -> Self {
        Self {
            line: Line::default(),
            name: Vec::new(),
            data: Vec::new(),
            data_lines: 0,
            after_cr: false,
            first_line: true,
            too_long: false,
            max_event,
            skipped: 0,
        }
    }

    /// Reads a chunk and calls `on_event` for each event that it completes.
    pub fn push(&mut self, mut chunk: &[u8], mut on_event: impl FnMut(SseEvent<'_>)) {
        if chunk.is_empty() {
            return;
        }
        if self.after_cr && chunk[0] == b'\n' {
            chunk = &chunk[1..];
        }
        self.after_cr = false;
        while let Some(end) = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.end_line(&chunk[..end], &mut on_event);
            let is_crlf = chunk[end] == b'\r' && chunk.get(end + 1) == Some(&b'\n');
            self.after_cr = chunk[end] == b'\r' && end + 1 == chunk.len();
            chunk = &chunk[end + 1 + usize::from(is_crlf)..];
        }
        self.keep(chunk);
    }

    /// The stream is over: an event that only lacks its empty line counts as complete, since an
    /// upstream that is cut between the two has said it all.
    pub fn finish(&mut self, mut on_event: impl FnMut(SseEvent<'_>)) {
        self.end_line(&[], &mut on_event);
        self.dispatch(&mut on_event);
    }

    /// Events that were skipped for their length.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    fn keep(&mut self, part: &[u8]) {
        self.line.too_long |= self.line.bytes.len() + part.len() > self.max_event;
        if self.line.too_long {
            self.line.bytes.clear();
        } else {
            self.line.bytes.extend_from_slice(part);
        }
    }

    fn end_line(&mut self, rest: &[u8], on_event: &mut impl FnMut(SseEvent<'_>)) {
        let begins_here = self.line.bytes.is_empty() && !self.line.too_long;
        if begins_here && rest.len() <= self.max_event {
            // The common case: the line lies in this chunk, and nothing is copied.
            return self.take_line(rest, on_event);
        }
        self.keep(rest);
        let mut line = std::mem::take(&mut self.line);
        if line.too_long {
            self.too_long = true;
        } else {
            self.take_line(&line.bytes, on_event);
        }
        line.bytes.clear();
        self.line.bytes = line.bytes;
    }

    fn take_line(&mut self, line: &[u8], on_event: &mut impl FnMut(SseEvent<'_>)) {
        let line = if std::mem::take(&mut self.first_line) { without_bom(line) } else { line };
        if line.is_empty() {
            self.dispatch(on_event);
            return;
        }
        match field(line) {
            (b"data", value) => self.add_data(value),
            (b"event", value) => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            // Comments (an empty name), `id`, `retry` and what nobody knows.
            _ignored => {}
        }
    }

    fn add_data(&mut self, value: &[u8]) {
        if self.data.len() + value.len() + 1 > self.max_event {
            self.too_long = true;
            return;
        }
        if self.data_lines > 0 {
            self.data.push(b'\n');
        }
        self.data_lines += 1;
        self.data.extend_from_slice(value);
    }

    fn dispatch(&mut self, on_event: &mut impl FnMut(SseEvent<'_>)) {
        if self.too_long {
            self.skipped += 1;
        } else if self.data_lines > 0 {
            on_event(SseEvent { name: String::from_utf8_lossy(&self.name), data: &self.data });
        }
        self.name.clear();
        self.data.clear();
        self.data_lines = 0;
        self.too_long = false;
    }
}

fn without_bom(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
}

fn field(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|byte| *byte == b':') {
        Some(colon) => {
            let value = &line[colon + 1..];
            (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
        }
        None => (line, b""),
    }
}

#[cfg(test)]
mod tests;
