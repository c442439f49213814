//! Requests whose whole content follows from a number, so that what was stored can be checked
//! against the number alone.

use std::fmt::Write;

/// One request in ten is no JSON.
const INVALID_EACH: u64 = 10;
const MAX_FILLER: u64 = 40_000;

/// The request with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload {
    pub number: u64,
}

impl Payload {
    /// The body's bytes: odd spacing, escapes and, now and then, no JSON at all, so that anything
    /// that parses and writes again is found out.
    pub fn body(self) -> String {
        let mark = self.mark();
        let stream = self.streams();
        let filler = filler(self.number);
        let prompt = format!("{mark} gr\\u00fc\\u00dfe – 🔵 {filler} [[slow ms=1]] [[words n=40]]");
        let end = if self.valid() { "}" } else { ", broken" };
        format!(
            "{{ \"model\":\"claude-opus-5-5\",  \"max_tokens\" :  100,\t\"stream\":{stream},\n \"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}] {end}"
        )
    }

    /// Whether the body is JSON.
    pub fn valid(self) -> bool {
        self.number % INVALID_EACH != 7
    }

    /// Whether a stream is asked for.
    pub fn streams(self) -> bool {
        self.number.is_multiple_of(2)
    }

    /// The payload that a stored body claims to be.
    pub fn of(body: &str) -> Option<Self> {
        let (_, rest) = body.split_once("payload-")?;
        let (number, _) = rest.split_once('-')?;
        Some(Self { number: number.parse().ok()? })
    }

    fn mark(self) -> String {
        format!("payload-{}-", self.number)
    }
}

/// Up to 40 KB that differ from number to number.
fn filler(number: u64) -> String {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut filler = String::new();
    for _ in 0..state % (MAX_FILLER / 16) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let _ = write!(filler, "{state:016x}");
    }
    filler
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_tells_its_number_and_whether_it_is_json() {
        for number in 0..40 {
            let payload = Payload { number };
            let body = payload.body();
            assert_eq!(Payload::of(&body), Some(payload));
            let parsed = serde_json::from_str::<serde_json::Value>(&body);
            assert_eq!(parsed.is_ok(), payload.valid(), "{body}");
        }
    }
}
