//! The little of HTTP/1.1 that both ends of the bench need.

use std::fmt::Write;

use bytes::BytesMut;

/// Takes a complete head off the front of `buffer`.
pub fn split_head(buffer: &mut BytesMut) -> Option<String> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    Some(String::from_utf8_lossy(&buffer.split_to(end)).into_owned())
}

/// The value of a header field.
pub fn field<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case(wanted).then(|| value.trim())
    })
}

/// The value of `Content-Length`.
pub fn content_length(head: &str) -> Option<usize> {
    field(head, "content-length")?.parse().ok()
}

/// A parameter of the path's query.
pub fn query<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = path.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// A request as a coding agent sends it: a history of about `bytes` bytes, and a last message that no
/// other request has.
pub struct Messages {
    wire: Vec<u8>,
    /// Where the number of the question stands.
    number_at: usize,
}

impl Messages {
    pub fn new(path: &str, bytes: usize) -> Self {
        let body = body(bytes);
        let mut wire = format!(
            "POST {path} HTTP/1.1\r\nhost: bench.example\r\ncontent-type: application/json\r\n\
             x-api-key: sk-ant-bench\r\nanthropic-version: 2023-06-01\r\nuser-agent: bench/1\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        let number_at = wire.len() + body.rfind(NO_NUMBER).expect("the body has a number");
        wire.extend_from_slice(body.as_bytes());
        Self { wire, number_at }
    }

    /// The request with this number.
    pub fn numbered(&mut self, number: u64) -> &[u8] {
        let digits = format!("{number:0width$}", width = NO_NUMBER.len());
        self.wire[self.number_at..][..NO_NUMBER.len()].copy_from_slice(digits.as_bytes());
        &self.wire
    }
}

/// As long as every number is written.
const NO_NUMBER: &str = "00000000000000000000";

/// About so many bytes as JSON, in messages of about 1 KB.
pub fn body(bytes: usize) -> String {
    let mut body = String::with_capacity(bytes + 512);
    body.push_str(r#"{"model":"claude-opus-4-5","max_tokens":1024,"messages":["#);
    let mut turn = 0;
    while body.len() + 1_200 < bytes {
        let role = if turn % 2 == 0 { "user" } else { "assistant" };
        write!(
            body,
            r#"{{"role":"{role}","content":[{{"type":"text","text":"turn {turn}: {}"}}]}},"#,
            filler(turn)
        )
        .expect("a string takes all");
        turn += 1;
    }
    if turn % 2 == 1 {
        body.push_str(r#"{"role":"assistant","content":"Go on."},"#);
    }
    let rest = bytes.saturating_sub(body.len() + 90);
    write!(body, r#"{{"role":"user","content":"question {NO_NUMBER}: {}"}}]}}"#, "y".repeat(rest))
        .expect("a string takes all");
    body
}

/// About 900 bytes that compress like prose, not like one letter.
pub fn filler(seed: usize) -> String {
    const WORDS: [&str; 16] = [
        "journal", "segment", "upstream", "message", "parent", "branch", "token", "stream",
        "consumer", "window", "request", "answer", "gateway", "linker", "storage", "page",
    ];
    let mut state = seed as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut text = String::with_capacity(920);
    while text.len() < 900 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS[(state >> 60) as usize]);
        write!(text, "{:x} ", state >> 52).expect("a string takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_the_size_asked_for_and_are_json() {
        for size in [2_000, 200_000] {
            let body = body(size);
            assert!(body.len().abs_diff(size) < 100, "{} for {size}", body.len());
            serde_json::from_str::<serde_json::Value>(&body).expect("JSON");
        }
    }
    #[test]
    fn every_number_makes_another_request_of_the_same_length() {
        let mut request = Messages::new("/v1/messages", 2_000);
        let (one, last) = (request.numbered(1).to_vec(), request.numbered(u64::MAX).to_vec());
        assert!(one != last && one.len() == last.len());
        assert!(String::from_utf8_lossy(&last).contains(&format!("question {}:", u64::MAX)));
    }
}
