//! What must be seen of an event stream while it passes: an error event, and whether the last
//! event is whole. Looks at a copy; works on what the coding, if any, decodes to.

use nexus_messages::decode::Decoder;

/// An error event's first line; between the two may stand a space.
const FIELD: &[u8] = b"event:";
const ERROR: &[u8] = b"error";

/// Bytes of the end that are kept: the line with its space, and a byte of the line ends around it.
const KEPT: usize = FIELD.len() + ERROR.len() + 3;

/// Bytes of a decoded stream that are looked at.
const LIMIT: usize = 64 << 20;

pub struct EventWatch {
    decoder: Option<Decoder>,
    /// End of what came so far, at most [`KEPT`] bytes.
    tail: Vec<u8>,
    saw_error: bool,
}

impl EventWatch {
    pub fn new(content_encoding: Option<&str>) -> Self {
        let decoder = content_encoding.map(|coding| Decoder::new(Some(coding), LIMIT));
        Self { decoder, tail: b"\n\n".to_vec(), saw_error: false }
    }

    pub fn chunk(&mut self, bytes: &[u8]) {
        match &mut self.decoder {
            None => self.look(bytes),
            Some(decoder) => {
                let plain = decoder.push(bytes);
                self.look(&plain);
            }
        }
    }

    pub fn saw_error(&self) -> bool {
        self.saw_error
    }

    /// Whether an own event can be added: the stream is readable and its last event is whole.
    pub fn is_between_events(&self) -> bool {
        self.decoder.is_none() && (self.tail.ends_with(b"\n\n") || self.tail.ends_with(b"\r\n\r\n"))
    }

    pub fn is_encoded(&self) -> bool {
        self.decoder.is_some()
    }

    fn look(&mut self, bytes: &[u8]) {
        // The seam: what came before, and as much as can complete a line that began there.
        let before = self.tail.len();
        self.tail.extend_from_slice(&bytes[..bytes.len().min(KEPT)]);
        self.saw_error |= has_error(&self.tail) || has_error(bytes);
        if bytes.len() > KEPT {
            self.tail.clear();
            self.tail.extend_from_slice(&bytes[bytes.len() - KEPT..]);
        } else {
            let surplus = (before + bytes.len()).saturating_sub(KEPT);
            self.tail.drain(..surplus);
        }
    }
}

/// At the beginning of a line only: text inside an event's data has no line ends.
fn has_error(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, FIELD).any(|at| {
        let value = &bytes[at + FIELD.len()..];
        let begins_line = at > 0 && matches!(bytes[at - 1], b'\n' | b'\r');
        begins_line && is_error(value.strip_prefix(b" ").unwrap_or(value))
    })
}

/// The whole value, up to the line's end: a longer word is another event.
fn is_error(value: &[u8]) -> bool {
    let rest = value.strip_prefix(ERROR);
    rest.is_some_and(|rest| matches!(rest.first(), Some(b'\n' | b'\r')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saw_error(text: &[u8], cut: usize) -> bool {
        let mut watch = EventWatch::new(None);
        text.chunks(cut).for_each(|part| watch.chunk(part));
        watch.saw_error()
    }

    #[test]
    fn an_error_event_is_seen_wherever_it_is_cut() {
        for line in ["event: error", "event:error"] {
            let stream = format!(
                "event: ping\r\ndata: {{}}\r\n\r\n{line}\r\ndata:{{\"type\":\"error\"}}\r\n\r\n"
            );
            for cut in 1..stream.len() {
                assert!(saw_error(stream.as_bytes(), cut), "{line} cut at {cut}");
            }
        }
        assert!(saw_error(b"event: error\ndata: {}\n\n", 5), "the first event");
    }

    #[test]
    fn text_about_errors_is_none() {
        for stream in [
            "event: x\ndata: {\"text\":\"event: error\\nevent: error\"}\n\n",
            "event: errors\ndata: {}\n\n",
        ] {
            for cut in 1..stream.len() {
                assert!(!saw_error(stream.as_bytes(), cut), "{stream} cut at {cut}");
            }
        }
    }

    #[test]
    fn the_end_of_an_event_is_known() {
        let mut watch = EventWatch::new(None);
        assert!(watch.is_between_events());
        watch.chunk(b"data: {");
        assert!(!watch.is_between_events());
        watch.chunk(b"}\n");
        watch.chunk(b"\n");
        assert!(watch.is_between_events());
    }
}
