//! Headers as they are stored: what repeats from exchange to exchange once, the rest beside it.

use nexus_contract::Headers;
use serde_json::Value;

use crate::{
    bodies::{content_hash, packed},
    error::{Result, StoreError},
};

/// Names whose values differ from exchange to exchange, or that begin like this.
const VOLATILE: [&str; 17] = [
    "age",
    "anthropic-ratelimit-",
    "cf-ray",
    "content-length",
    "date",
    "request-id",
    "retry-after",
    "server-timing",
    "traceparent",
    "tracestate",
    "x-amzn-",
    "x-claude-code-p",
    "x-cloud-trace-context",
    "x-envoy-",
    "x-request-id",
    "x-should-retry",
    "x-stainless-retry-count",
];

/// Headers in two: `set` is shared, `values` belong to the exchange.
pub(super) struct Split {
    pub hash: Vec<u8>,
    /// `[[name, value or null], …]`
    pub set: Vec<u8>,
    /// The values that are null there, in order; `None` without any.
    pub values: Option<Vec<u8>>,
}

/// Takes the volatile values out.
pub(super) fn split(headers: &Headers) -> Result<Split> {
    let (mut set, mut values) = (Vec::new(), Vec::new());
    for (name, value) in headers.iter() {
        if VOLATILE.iter().any(|start| name.starts_with(start)) {
            values.push(value);
            set.push((name, None));
        } else {
            set.push((name, Some(value)));
        }
    }
    let set = to_json(&set)?;
    let values = if values.is_empty() { None } else { Some(packed::pack(&to_json(&values)?)?) };
    Ok(Split { hash: content_hash(&set), set, values })
}

/// Puts them together again. Both as stored, packed.
pub(super) fn join(set: &[u8], values: Option<&[u8]>) -> Result<Headers> {
    let set: Vec<(String, Option<String>)> = from_json(&packed::unpack(set)?)?;
    let values: Vec<String> = match values {
        Some(values) => from_json(&packed::unpack(values)?)?,
        None => Vec::new(),
    };
    let mut values = values.into_iter();
    let joined = set.into_iter().map(|(name, value)| {
        let value = value.or_else(|| values.next());
        (name, value.unwrap_or_default())
    });
    Ok(joined.collect())
}

fn to_json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| StoreError::Rejected(error.to_string()))
}

fn from_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice::<Value>(bytes)
        .and_then(serde_json::from_value)
        .map_err(|error| StoreError::Corrupt(format!("headers cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_from_answer_to_answer_stays_out_of_the_set() {
        let answer = |id: &str| {
            Headers::recorded([
                ("content-type", b"application/json".as_slice()),
                ("request-id", id.as_bytes()),
                ("anthropic-ratelimit-tokens-remaining", id.as_bytes()),
                ("x-a", b"1"),
                ("x-a", b"2"),
            ])
        };
        let (one, two) = (split(&answer("1")).expect("split"), split(&answer("2")).expect("split"));
        assert_eq!(one.hash, two.hash);
        let set = packed::pack(&two.set).expect("packs");
        assert_eq!(join(&set, two.values.as_deref()).expect("joins"), answer("2"));
    }
}
