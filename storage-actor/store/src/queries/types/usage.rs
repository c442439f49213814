//! Sums over exchanges.

use jiff::Timestamp;
use nexus_messages::{Cost, RequestType, Tokens};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

/// Which exchanges are summed. Quota and auxiliary requests count unless a type is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageFilter {
    pub domain: Option<String>,
    pub account_id: Option<String>,
    pub model: Option<String>,
    pub request_type: Option<RequestType>,
    /// From this instant on.
    pub from: Option<Timestamp>,
    /// Up to, and without, this instant.
    pub to: Option<Timestamp>,
}

/// By what sums are told apart besides time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four independent switches")]
pub struct GroupBy {
    pub domain: bool,
    pub account: bool,
    pub model: bool,
    pub request_type: bool,
}

/// What a sum is about; `None` where it was not told apart, or not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageKey {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_type: Option<RequestType>,
}

/// The sum over a stretch of time.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageBucket {
    /// The first instant of the bucket.
    pub start: Timestamp,
    #[serde(flatten)]
    pub key: UsageKey,
    #[serde(flatten)]
    pub totals: UsageTotals,
}

/// A sum over exchanges that have ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageTotals {
    pub requests: u64,
    /// Ended other than `completed`.
    pub errors: u64,
    pub tokens: Tokens,
    pub cost: Cost,
    /// Exchanges with usage and without a known price: when not 0, `cost` is a lower bound.
    pub unpriced: u64,
    pub duration_ms: u64,
    pub tool_calls: u64,
}

impl UsageTotals {
    /// In US dollars; `None` when nothing in the sum has a known price.
    pub fn cost_usd(&self) -> Option<f64> {
        (self.cost.0 != 0 || self.unpriced == 0).then(|| self.cost.usd())
    }

    /// Milliseconds; `None` without requests.
    pub fn average_duration_ms(&self) -> Option<u64> {
        self.duration_ms.checked_div(self.requests)
    }
}

impl std::ops::AddAssign for UsageTotals {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.tokens = self.tokens + other.tokens;
        self.cost = Cost(self.cost.0.saturating_add(other.cost.0));
        self.unpriced += other.unpriced;
        self.duration_ms += other.duration_ms;
        self.tool_calls += other.tool_calls;
    }
}

/// Takes out what was added before.
impl std::ops::SubAssign for UsageTotals {
    fn sub_assign(&mut self, other: Self) {
        self.requests -= other.requests;
        self.errors -= other.errors;
        self.tokens.input -= other.tokens.input;
        self.tokens.output -= other.tokens.output;
        self.tokens.cache_read -= other.tokens.cache_read;
        self.tokens.cache_creation_5m -= other.tokens.cache_creation_5m;
        self.tokens.cache_creation_1h -= other.tokens.cache_creation_1h;
        self.cost = Cost(self.cost.0.saturating_sub(other.cost.0));
        self.unpriced -= other.unpriced;
        self.duration_ms -= other.duration_ms;
        self.tool_calls -= other.tool_calls;
    }
}

impl Serialize for UsageTotals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("UsageTotals", 12)?;
        fields.serialize_field("totalRequests", &self.requests)?;
        fields.serialize_field("errorCount", &self.errors)?;
        fields.serialize_field("totalInputTokens", &self.tokens.input)?;
        fields.serialize_field("totalOutputTokens", &self.tokens.output)?;
        fields.serialize_field("totalCacheReadTokens", &self.tokens.cache_read)?;
        fields.serialize_field("totalCacheCreationTokens", &self.tokens.cache_creation())?;
        fields.serialize_field("totalCacheCreation1hTokens", &self.tokens.cache_creation_1h)?;
        fields.serialize_field("totalTokens", &self.tokens.total())?;
        fields.serialize_field("costUsd", &self.cost_usd())?;
        fields.serialize_field("unpricedRequests", &self.unpriced)?;
        fields.serialize_field("averageResponseTime", &self.average_duration_ms())?;
        fields.serialize_field("toolCalls", &self.tool_calls)?;
        fields.end()
    }
}

/// A period and the one before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activity {
    pub now: ActivitySample,
    pub before: ActivitySample,
    /// Conversations that were active in each of the stretches that were asked for.
    pub course: Vec<u64>,
}

/// What a period saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivitySample {
    /// Conversations that were active.
    pub conversations: u64,
    /// Of the newest exchanges that completed, at most [`ActivitySample::MAX`].
    pub timings: Vec<Timing>,
}

impl ActivitySample {
    pub const MAX: u32 = 2_000;
}

/// How long one exchange took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    pub at: Timestamp,
    pub first_token_ms: Option<u64>,
    pub duration_ms: Option<u64>,
}

/// Percentiles, in milliseconds; `None` without a sample.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    pub p50_ms: Option<u64>,
    pub p95_ms: Option<u64>,
}
