//! The last hand on every log line: no secret, no character that lies to a terminal, no endless line.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

/// Longest line, in bytes; a captured value that slipped into a field must not fill a disk.
const MAX_LINE: usize = 16 * 1024;

/// Wraps a writer so that each line passes [`clean`].
#[derive(Debug, Clone, Copy)]
pub struct CleanLines;

impl<'a> MakeWriter<'a> for CleanLines {
    type Writer = CleanWriter;

    fn make_writer(&'a self) -> Self::Writer {
        CleanWriter
    }
}

/// Writes cleaned lines to standard error. tracing-subscriber writes one whole event a call.
#[derive(Debug)]
pub struct CleanWriter;

impl Write for CleanWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(clean(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn clean(line: &str) -> String {
    let masked = nexus_contract::mask::mask_secrets(line.trim_end_matches('\n'));
    let mut clean: String = masked.chars().flat_map(visible).collect();
    if clean.len() > MAX_LINE {
        let end = (0..=MAX_LINE).rev().find(|at| clean.is_char_boundary(*at)).unwrap_or(0);
        clean.truncate(end);
        clean.push('…');
    }
    clean.push('\n');
    clean
}

/// Control and direction-changing characters as escapes. The terminal's own colour sequences of
/// the pretty format begin with ESC, so that one stays; values never hold it raw, because fields
/// are written through `Debug` or JSON.
fn visible(c: char) -> Vec<char> {
    let lies =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let control = c.is_control() && !matches!(c, '\u{1b}' | '\n' | '\t');
    if lies || control { c.escape_unicode().collect() } else { vec![c] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_bidi_is_shown() {
        let line = clean("key sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789 \u{202e}txt\r\n");
        assert!(!line.contains("abcdefghij"), "{line}");
        assert!(line.contains("\\u{202e}txt\\u{d}"), "{line}");
    }

    #[test]
    fn a_long_line_is_capped_at_a_character() {
        assert!(clean(&"é".repeat(MAX_LINE)).len() <= MAX_LINE + 4);
    }
}
