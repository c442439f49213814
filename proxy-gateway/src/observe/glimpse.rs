//! A cheap look at a request for the live view, without parsing it.

/// What a running request seems to be.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Glimpse {
    pub model: Option<String>,
    pub stream: Option<bool>,
}

const MAX_MODEL: usize = 128;

impl Glimpse {
    /// Finds the first `"model": "…"` and `"stream": …`. Inside a JSON string quotes are escaped, so
    /// a match is a real key; that it is the outermost one is likely, and enough for a hint.
    pub fn look(&mut self, chunk: &[u8]) {
        if self.model.is_none() {
            self.model = values(chunk, b"\"model\"").find_map(text);
        }
        if self.stream.is_none() {
            self.stream = values(chunk, b"\"stream\"").find_map(flag);
        }
    }
}

/// What stands behind each `key` and its colon.
fn values<'a>(chunk: &'a [u8], key: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    memchr::memmem::find_iter(chunk, key).filter_map(move |at| {
        let is_escaped = at > 0 && chunk[at - 1] == b'\\';
        let rest = chunk[at + key.len()..].trim_ascii_start().strip_prefix(b":")?;
        (!is_escaped).then_some(rest.trim_ascii_start())
    })
}

fn text(value: &[u8]) -> Option<String> {
    let value = value.strip_prefix(b"\"")?;
    let end = value.iter().take(MAX_MODEL).position(|byte| *byte == b'"')?;
    let text = std::str::from_utf8(&value[..end]).ok()?;
    (!text.contains(|char: char| char.is_control() || char == '\\')).then(|| text.to_owned())
}

fn flag(value: &[u8]) -> Option<bool> {
    match value {
        [b't', b'r', b'u', b'e', ..] => Some(true),
        [b'f', b'a', b'l', b's', b'e', ..] => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &'static str) -> (Option<String>, Option<bool>) {
        let mut found = Glimpse::default();
        found.look(text.as_bytes());
        (found.model, found.stream)
    }

    #[test]
    fn keys_are_found_and_quoted_ones_are_not() {
        assert_eq!(of(r#"{"model":"m","stream": true}"#), (Some("m".into()), Some(true)));
        assert_eq!(of(r#"{"a":"\"model\":\"x\"","model" : "m"}"#).0, Some("m".into()));
        assert_eq!(of(r#"{"tools":[{"model":{"type":"string"}}]}"#).0, None);
        assert_eq!(of("not JSON"), (None, None));
    }
}
