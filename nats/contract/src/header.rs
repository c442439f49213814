//! Headers as they are recorded: in order, duplicates kept, secrets masked.

use serde::{Deserialize, Serialize};

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

/// A list of (name, value) pairs, names lower-cased, values lossy UTF-8.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Records the pairs in their order, with secret values replaced by [`MASKED`].
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
    let value =
        if is_secret(&name) { MASKED.to_owned() } else { String::from_utf8_lossy(value).into() };
    (name, value)
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
}
