//! Usage summed over stretches of time.

use super::sums::Deltas;
use crate::usage::UsageRow;

/// The widths of the stretches, in minutes: of a quarter because time zones are.
pub const WIDTHS_MINUTES: [i64; 3] = [15, 60, 1_440];

const MINUTE: i64 = 60_000_000;

/// What a bucket is about, in the order of the table's key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketKey {
    pub width_minutes: i64,
    /// Microseconds since 1970.
    pub start: i64,
    pub domain: String,
    pub account_id: String,
    pub model: String,
    pub request_type: String,
}

pub(super) const KEY: [&str; 6] =
    ["width_minutes", "start", "domain", "account_id", "model", "request_type"];

pub(super) const SUMS: [&str; 13] = [
    "requests",
    "errors",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_5m_tokens",
    "cache_creation_1h_tokens",
    "cost_nanos",
    "unpriced",
    "duration_ms",
    "first_byte_ms",
    "first_bytes",
    "tool_calls",
];

pub(super) type BucketDeltas = Deltas<BucketKey, { SUMS.len() }>;

impl BucketDeltas {
    /// From what one exchange contributed to what it contributes.
    pub(super) fn change(&mut self, old: Option<&UsageRow>, new: Option<&UsageRow>) {
        for width in WIDTHS_MINUTES {
            if let Some(old) = old {
                self.subtract(key(old, width), sums(old));
            }
            if let Some(new) = new {
                self.add(key(new, width), sums(new));
            }
        }
    }
}

fn key(row: &UsageRow, width_minutes: i64) -> BucketKey {
    BucketKey {
        width_minutes,
        start: row.at - row.at.rem_euclid(width_minutes * MINUTE),
        domain: row.domain.clone(),
        account_id: row.account_id.clone(),
        model: row.model.clone(),
        request_type: row.request_type.clone(),
    }
}

fn sums(row: &UsageRow) -> [i64; SUMS.len()] {
    [
        1,
        row.errors,
        row.input_tokens,
        row.output_tokens,
        row.cache_read_tokens,
        row.cache_creation_5m_tokens,
        row.cache_creation_1h_tokens,
        row.cost_nanos.unwrap_or(0),
        row.is_unpriced().into(),
        row.duration_ms.unwrap_or(0),
        row.first_byte_ms.unwrap_or(0),
        row.first_byte_ms.is_some().into(),
        row.tool_calls,
    ]
}
