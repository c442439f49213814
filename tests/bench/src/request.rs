//! The little of HTTP/1.1 that both ends of the bench need.

use std::fmt::Write;

use bytes::BytesMut;

/// Takes a complete head off the front of `buffer`.
pub fn split_head(buffer: &mut BytesMut) -> Option<String> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    Some(String::from_utf8_lossy(&buffer.split_to(end)).into_owned())
}

/// The value of `Content-Length`.
pub fn content_length(head: &str) -> Option<usize> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })
}

/// A parameter of the path's query.
pub fn query<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = path.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// A request as a coding agent sends it: a history of about `bytes` bytes. `salt` makes its last
/// message, and so its hash, its own.
pub fn messages(path: &str, bytes: usize, salt: u64) -> Vec<u8> {
    let body = body(bytes, salt);
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: bench.example\r\ncontent-type: application/json\r\n\
         x-api-key: sk-ant-bench\r\nanthropic-version: 2023-06-01\r\nuser-agent: bench/1\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body.as_bytes());
    request
}

fn body(bytes: usize, salt: u64) -> String {
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
    write!(body, r#"{{"role":"user","content":"question {salt}: {}"}}]}}"#, "y".repeat(rest))
        .expect("a string takes all");
    body
}

/// About 900 bytes that compress like prose, not like one letter.
fn filler(seed: usize) -> String {
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
            let body = body(size, 7);
            assert!(body.len().abs_diff(size) < 100, "{} for {size}", body.len());
            serde_json::from_str::<serde_json::Value>(&body).expect("JSON");
        }
    }
}
