//! The prompt cache: which part of a prompt was seen before, by prefixes at `cache_control` marks.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};

const MAX_PREFIXES: usize = 100_000;
/// Shorter prompts are not cached.
const MIN_TOKENS: u64 = 1024;
/// Roughly four bytes a token.
const BYTES_PER_TOKEN: u64 = 4;

/// The input side of `usage`, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Input {
    pub uncached: u64,
    pub read: u64,
    pub written_5m: u64,
    pub written_1h: u64,
}

type Prefix = [u8; 32];

#[derive(Default)]
pub struct PromptCache {
    until: HashMap<Prefix, Timestamp>,
}

/// The prompt up to the end of one block.
struct Stop {
    prefix: Prefix,
    tokens: u64,
    lifetime: Option<SignedDuration>,
}

impl PromptCache {
    /// Counts a prompt's tokens and remembers its marked prefixes.
    pub fn charge(&mut self, body: &Value, messages: &[Value], now: Timestamp) -> Input {
        let stops = stops(body, messages);
        let total = stops.last().map_or(0, |stop| stop.tokens);
        let marked = stops.iter().rposition(|stop| stop.lifetime.is_some());
        let Some(last) = marked.filter(|&i| stops[i].tokens >= MIN_TOKENS) else {
            return Input { uncached: total, ..Input::default() };
        };
        let hit = stops[..=last].iter().rev().find(|stop| self.holds(&stop.prefix, now));
        let mut input = Input { read: hit.map_or(0, |stop| stop.tokens), ..Input::default() };
        let mut done = input.read;
        for stop in &stops[..=last] {
            let Some(lifetime) = stop.lifetime else { continue };
            let fresh = stop.tokens.saturating_sub(done);
            done = done.max(stop.tokens);
            let hour = lifetime > SignedDuration::from_mins(5);
            *(if hour { &mut input.written_1h } else { &mut input.written_5m }) += fresh;
            self.keep(stop.prefix, now + lifetime, now);
        }
        input.uncached = total - done;
        input
    }

    fn holds(&self, prefix: &Prefix, now: Timestamp) -> bool {
        self.until.get(prefix).is_some_and(|until| *until > now)
    }

    fn keep(&mut self, prefix: Prefix, until: Timestamp, now: Timestamp) {
        if self.until.len() >= MAX_PREFIXES {
            self.until.retain(|_, until| *until > now);
        }
        if self.until.len() < MAX_PREFIXES {
            self.until.insert(prefix, until);
        }
    }
}

/// About how many tokens a text has.
pub fn tokens(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(BYTES_PER_TOKEN)
}

fn stops(body: &Value, messages: &[Value]) -> Vec<Stop> {
    let mut running = Sha256::new_with_prefix(body["model"].to_string());
    let mut bytes = 0;
    let mut stops = Vec::new();
    for part in parts(body, messages) {
        let text = without_mark(part);
        bytes += text.len();
        running.update(&text);
        stops.push(Stop {
            prefix: running.clone().finalize().into(),
            tokens: tokens(bytes),
            lifetime: lifetime(part),
        });
    }
    if let (Some(last), Some(lifetime)) = (stops.last_mut(), lifetime(body)) {
        last.lifetime.get_or_insert(lifetime);
    }
    stops
}

/// Tools, system blocks and message blocks in the order in which the model reads them.
fn parts<'a>(body: &'a Value, messages: &'a [Value]) -> impl Iterator<Item = &'a Value> {
    let blocks =
        |value: &'a Value| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let fixed = blocks(&body["tools"]).iter().chain(blocks(&body["system"]));
    fixed
        .chain(messages.iter().flat_map(move |m| blocks(&m["content"])))
        .filter(|part| !part.is_null())
}

fn without_mark(part: &Value) -> String {
    match part {
        Value::Object(map) if map.contains_key("cache_control") => {
            let mut map = map.clone();
            map.shift_remove("cache_control");
            Value::Object(map).to_string()
        }
        other => other.to_string(),
    }
}

fn lifetime(part: &Value) -> Option<SignedDuration> {
    let mark = part.get("cache_control")?;
    let hour = mark["ttl"] == "1h";
    Some(if hour { SignedDuration::from_hours(1) } else { SignedDuration::from_mins(5) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_turn_reads_what_the_turn_before_wrote() {
        let mut cache = PromptCache::default();
        let mark = json!({"type": "ephemeral"});
        let text = |text: &str| json!({"type": "text", "text": text});
        let long = json!({"type": "text", "text": "x".repeat(8000), "cache_control": mark});
        let body = json!({"model": "claude-test", "system": [long]});
        let mut marked = text("first");
        marked["cache_control"] = mark.clone();
        let now = Timestamp::UNIX_EPOCH;

        let first = cache.charge(&body, &[json!({"role": "user", "content": [marked]})], now);
        assert_eq!((first.read, first.uncached), (0, 0));
        assert!(first.written_5m > 2000);

        let turn = [
            json!({"role": "user", "content": [text("first")]}),
            json!({"role": "assistant", "content": [text("answer")]}),
        ];
        let second = cache.charge(&body, &turn, now);
        assert_eq!(second.read, tokens(without_mark(&body["system"][0]).len()));
        assert!(second.uncached > 0);

        let late = cache.charge(&body, &turn, now + SignedDuration::from_mins(6));
        assert_eq!(late.read, 0);
    }
}
