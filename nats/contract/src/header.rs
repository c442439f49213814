//! Headers as they are recorded: in order, duplicates kept, secrets masked.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::mask::mask_secrets;

/// What stands in a record where a secret header's value stood.
pub const MASKED: &str = "[masked]";

/// Headers whose values never leave the gateway.
const SECRET: [&str; 8] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "cookie",
    "set-cookie",
    "x-dashboard-key",
    "x-goog-api-key",
    "x-amz-security-token",
];

/// Names that hold one of these words are masked too: custom headers carry tokens as well.
const SECRET_WORDS: [&str; 4] = ["token", "secret", "password", "api-key"];

/// Names that hold a secret word but no secret, so that limits stay readable.
const OPEN: [&str; 1] = ["anthropic-ratelimit-"];

/// A list of (name, value) pairs, names lower-cased, values lossy UTF-8. Shared by its clones: the journal,
/// the observer and the store each keep one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers(Arc<[(String, String)]>);

impl Headers {
    /// Records the pairs in their order. The values of secret headers are replaced by [`MASKED`], and
    /// so is everything that looks like a secret inside the others.
    pub fn recorded<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| record(name, value)).collect())
    }

    /// The first value under `name` (lower case).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, String)> for Headers {
    /// Masks like [`Headers::recorded`].
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self(pairs.into_iter().map(|(name, value)| record(&name, value.as_bytes())).collect())
    }
}

fn record(name: &str, value: &[u8]) -> (String, String) {
    let name = name.to_ascii_lowercase();
    let value = if is_secret(&name) { MASKED.to_owned() } else { masked(value) };
    (name, value)
}

/// Shorter values have no room for a secret of any shape.
const SHORT: usize = 8;

fn masked(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let masked = if text.len() < SHORT { Cow::Borrowed(&*text) } else { mask_secrets(&text) };
    masked.into_owned()
}

/// Whether the header's value may hold a credential. `name` is lower case.
pub fn is_secret(name: &str) -> bool {
    if OPEN.iter().any(|open| name.starts_with(open)) {
        return false;
    }
    SECRET.contains(&name) || SECRET_WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked_and_limits_are_not() {
        let headers = Headers::recorded([
            ("Authorization", b"Bearer cnp_live_x".as_slice()),
            ("X-Api-Key", b"sk-ant-x"),
            ("x-session-token", b"t"),
            ("anthropic-ratelimit-tokens-remaining", b"12"),
            ("anthropic-beta", b"a"),
            ("anthropic-beta", b"b"),
        ]);
        assert_eq!(headers.get("authorization"), Some(MASKED));
        assert_eq!(headers.get("x-api-key"), Some(MASKED));
        assert_eq!(headers.get("x-session-token"), Some(MASKED));
        assert_eq!(headers.get("anthropic-ratelimit-tokens-remaining"), Some("12"));
        assert_eq!(headers.iter().filter(|(name, _)| *name == "anthropic-beta").count(), 2);
    }

    #[test]
    fn secrets_inside_ordinary_headers_are_masked_and_ordinary_values_stay() {
        let one = |value: &'static str| {
            let headers = Headers::recorded([("x-note", value.as_bytes())]);
            headers.get("x-note").expect("recorded").to_owned()
        };
        for secret in [
            "sk-ant-api03-AAAABBBBCCCCDDDDEEEE",
            "see cnp_live_AAAABBBBCCCCDDDDEEEEFFFF",
            "Bearer abcdefghijklmnop",
            "https://hooks.slack.com/services/T0/B0/abcdef",
            "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln",
        ] {
            assert!(one(secret).contains(MASKED), "{secret}");
        }
        for plain in [
            "claude-cli/2.1.197 (external, cli)",
            "claude-code-20250219,interleaved-thinking-2025-05-14,oauth-2025-04-20",
            "req_011CSHoEeqs5C35K2UUqR7Fy",
            "0199d1e7-1f1a-7c3a-8d4e-0123456789ab",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "2026-11-27T05:00:00Z",
            "application/json; charset=utf-8",
        ] {
            assert_eq!(one(plain), plain);
        }
    }
}
