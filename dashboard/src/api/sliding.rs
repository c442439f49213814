//! Sums over a window that slides.

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
/// `window_minutes` before it. Whole `buckets` fill a step and the window; they are in order of time and
/// begin a window before `from`, so that the first sum is as right as the last.
///
/// Each bucket enters the sum once and leaves it once: a month slides over a year in the time that
/// an hour takes.
pub fn sums(
    buckets: &[UsageBucket],
    from: Timestamp,
    to: Timestamp,
    step_minutes: i64,
    window_minutes: i64,
) -> Vec<Step> {
    let (step, window) = (step_minutes.max(1) * 60, window_minutes * 60);
    let (mut entering, mut leaving) = (buckets.iter().peekable(), buckets.iter().peekable());
    let mut totals = UsageTotals::default();
    let first = from.as_second().div_euclid(step) * step + step;
    let ends = (0..).map(|index| first + index * step).take_while(|end| *end <= to.as_second());
    ends.filter_map(|end| {
        while let Some(bucket) = entering.next_if(|bucket| bucket.start.as_second() < end) {
            totals += bucket.totals;
        }
        while let Some(bucket) = leaving.next_if(|bucket| bucket.start.as_second() < end - window) {
            totals -= bucket.totals;
        }
        Some(Step { at: Timestamp::from_second(end).ok()?, totals })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use nexus_messages::{Cost, Tokens};
    use proptest::prelude::*;

    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 / 3600 * 3600 + hour * 3600).expect("an instant")
    }

    fn bucket(hour: i64, requests: u64) -> UsageBucket {
        let cost = Cost(i64::try_from(requests).expect("a few") * 5);
        let tokens = Tokens {
            input: requests * 2,
            output: requests * 3,
            cache_read: requests * 7,
            cache_creation_5m: requests * 11,
            cache_creation_1h: requests * 13,
        };
        let (errors, unpriced) = (requests / 2, requests / 3);
        let (duration_ms, tool_calls) = (requests * 17, requests * 19);
        let totals =
            UsageTotals { requests, errors, tokens, cost, unpriced, duration_ms, tool_calls };
        UsageBucket { start: at(hour), key: <_>::default(), totals }
    }

    #[test]
    fn the_first_sum_holds_a_whole_window() {
        let buckets = [bucket(-6, 100), bucket(-5, 1), bucket(-2, 2), bucket(0, 4), bucket(2, 8)];
        let steps = sums(&buckets, at(0), at(4), 60, 300);
        let found: Vec<_> = steps.iter().map(|step| (step.at, step.totals.requests)).collect();
        assert_eq!(found, [(at(1), 6), (at(2), 6), (at(3), 14), (at(4), 12)]);
    }

    proptest! {
        #[test]
        fn every_sum_is_that_of_its_window(
            requests in prop::collection::vec(0_u64..5, 0..50),
            step in 1_i64..4,
            window in 1_i64..12,
        ) {
            let buckets: Vec<_> =
                (-12..).zip(&requests).map(|(hour, requests)| bucket(hour, *requests)).collect();
            for sum in sums(&buckets, at(0), at(30), step * 60, window * 60) {
                let mut expected = UsageTotals::default();
                let start = sum.at - SignedDuration::from_hours(window);
                for part in buckets.iter().filter(|one| (start..sum.at).contains(&one.start)) {
                    expected += part.totals;
                }
                prop_assert_eq!(sum.totals, expected, "up to {}", sum.at);
            }
        }
    }
}
