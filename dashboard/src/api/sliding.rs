//! Sums over a window that slides.

use std::collections::BTreeMap;

use jiff::Timestamp;
use nexus_store::queries::{UsageBucket, UsageTotals};
use serde::Serialize;

/// One step of a sliding sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Step {
    #[serde(flatten)]
    pub totals: UsageTotals,
    /// The end of the window.
    #[serde(rename = "time")]
    pub at: Timestamp,
}

/// For every step of `step_minutes` that ends after `from` and not after `to`, the sum over the
/// `window_minutes` before it. Whole `buckets` fill a step and the window; they begin a window before `from`, so
/// that the first sum is as right as the last.
pub fn sums(
    buckets: &[UsageBucket],
    from: Timestamp,
    to: Timestamp,
    step_minutes: i64,
    window_minutes: i64,
) -> Vec<Step> {
    let step = step_minutes.max(1) * 60;
    let mut by_start: BTreeMap<i64, UsageTotals> = BTreeMap::new();
    for bucket in buckets {
        *by_start.entry(bucket.start.as_second()).or_default() += bucket.totals;
    }
    let first = from.as_second().div_euclid(step) * step + step;
    let ends = (0..).map(|index| first + index * step).take_while(|end| *end <= to.as_second());
    ends.filter_map(|end| {
        let mut totals = UsageTotals::default();
        for (_, part) in by_start.range(end - window_minutes * 60..end) {
            totals += *part;
        }
        Some(Step { at: Timestamp::from_second(end).ok()?, totals })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 / 3600 * 3600 + hour * 3600).expect("an instant")
    }

    fn bucket(hour: i64, requests: u64) -> UsageBucket {
        let totals = UsageTotals { requests, ..UsageTotals::default() };
        UsageBucket { start: at(hour), key: <_>::default(), totals }
    }

    #[test]
    fn the_first_sum_holds_a_whole_window() {
        let buckets = [bucket(-6, 100), bucket(-5, 1), bucket(-2, 2), bucket(0, 4), bucket(2, 8)];
        let steps = sums(&buckets, at(0), at(4), 60, 300);
        let found: Vec<_> = steps.iter().map(|step| (step.at, step.totals.requests)).collect();
        assert_eq!(found, [(at(1), 6), (at(2), 6), (at(3), 14), (at(4), 12)]);
    }
}
