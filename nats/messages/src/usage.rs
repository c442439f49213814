//! Token usage: the raw object as the upstream sent it, and the columns that are made of it.

mod reader;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use reader::UsageReader;

/// The upstream's usage object, merged over an answer. Unknown fields are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usage(Map<String, Value>);

impl Usage {
    /// From one usage object; anything else gives an empty usage.
    pub fn from_value(value: &Value) -> Self {
        let mut usage = Self::default();
        usage.merge(value);
        usage
    }

    /// From the JSON text of a usage object; unreadable text gives an empty usage.
    pub fn from_json(json: &str) -> Self {
        serde_json::from_str(json).map_or_else(|_unreadable| Self::default(), Self)
    }

    /// Lays a later report over this one. `message_delta` reports totals so far, so a value
    /// replaces the former; a `null` says nothing.
    pub fn merge(&mut self, later: &Value) {
        if let Value::Object(later) = later {
            merge(&mut self.0, later);
        }
    }

    /// The raw object.
    pub fn raw(&self) -> &Map<String, Value> {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The columns.
    pub fn tokens(&self) -> Tokens {
        let creation = self.number("cache_creation_input_tokens");
        let by_age = self.0.get("cache_creation");
        let hour = number(by_age.and_then(|ages| ages.get("ephemeral_1h_input_tokens")));
        let minutes = number(by_age.and_then(|ages| ages.get("ephemeral_5m_input_tokens")));
        Tokens {
            input: self.number("input_tokens"),
            output: self.number("output_tokens"),
            cache_read: self.number("cache_read_input_tokens"),
            // Older answers give only the total, which was written for five minutes.
            cache_creation_5m: minutes.max(creation.saturating_sub(hour)),
            cache_creation_1h: hour,
        }
    }

    /// Searches that the upstream did on its own; they have a price of their own.
    pub fn web_searches(&self) -> u64 {
        number(self.0.get("server_tool_use").and_then(|used| used.get("web_search_requests")))
    }

    fn number(&self, name: &str) -> u64 {
        number(self.0.get(name))
    }
}

/// Token counts of one exchange, or a sum of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// Input that was neither read from nor written to the cache.
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    /// Written to the cache for five minutes.
    pub cache_creation_5m: u64,
    /// Written to the cache for an hour.
    pub cache_creation_1h: u64,
}

impl Tokens {
    pub fn cache_creation(&self) -> u64 {
        self.cache_creation_5m.saturating_add(self.cache_creation_1h)
    }

    /// What the model had before it: input, cache read and cache creation.
    pub fn context(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_creation())
    }

    pub fn total(&self) -> u64 {
        self.context().saturating_add(self.output)
    }

    /// Share of the context that came from the cache, 0 to 1; `None` without context.
    pub fn cache_hit_rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a ratio for display")]
        (self.context() > 0).then(|| self.cache_read as f64 / self.context() as f64)
    }
}

impl std::ops::Add for Tokens {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_creation_5m: self.cache_creation_5m.saturating_add(other.cache_creation_5m),
            cache_creation_1h: self.cache_creation_1h.saturating_add(other.cache_creation_1h),
        }
    }
}

impl std::iter::Sum for Tokens {
    fn sum<I: Iterator<Item = Self>>(tokens: I) -> Self {
        tokens.fold(Self::default(), std::ops::Add::add)
    }
}

fn merge(into: &mut Map<String, Value>, later: &Map<String, Value>) {
    for (name, value) in later {
        match (into.get_mut(name), value) {
            (_, Value::Null) => {}
            (Some(Value::Object(into)), Value::Object(later)) => merge(into, later),
            _replaced => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

/// A count as the database holds it: whole, not negative, at most `i64::MAX`.
fn number(value: Option<&Value>) -> u64 {
    value.and_then(Value::as_u64).unwrap_or(0).min(i64::MAX.unsigned_abs())
}

#[cfg(test)]
mod tests;
