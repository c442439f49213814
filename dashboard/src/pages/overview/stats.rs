//! The figures of Overview: each with its change against the period before, and its course.

use nexus_store::queries::{Activity, Latency, Timing, UsageTotals};
use serde::Serialize;

use super::float;
use crate::{chart, view::Buckets};

const FIRST_TOKEN: fn(&Timing) -> Option<u64> = |timing| timing.first_token_ms;
const DURATION: fn(&Timing) -> Option<u64> = |timing| timing.duration_ms;

/// One figure with its change and course.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Stat {
    pub label: &'static str,
    pub value: f64,
    /// How the template writes it: `num`, `usd`, `ms`, `percent`.
    pub form: &'static str,
    /// It is a lower bound, or not known at all.
    pub known: bool,
    pub note: String,
    /// Against the period before, as a share; `None` when there is nothing to compare with.
    pub change: Option<f64>,
    /// More of it is worse.
    pub bad_up: bool,
    pub spark: String,
}

/// The period, stretch by stretch.
pub struct Course<'a> {
    pub buckets: &'a Buckets,
    pub current: &'a [UsageTotals],
}

impl Course<'_> {
    fn spark(&self, of: fn(&UsageTotals) -> f64) -> String {
        chart::spark(&self.current.iter().map(of).collect::<Vec<_>>())
    }

    /// What is told of each stretch; of one where nothing was measured what is told of the one before,
    /// and before the first what is told of that one: no stretch took 0 ms.
    fn latencies(&self, timings: &[Timing], measure: Measure) -> String {
        let mut stretches = vec![Vec::new(); self.buckets.count];
        for timing in timings {
            if let Some(stretch) = self.buckets.place(timing.at) {
                stretches[stretch].push(timing);
            }
        }
        let told: Vec<_> = stretches.into_iter().map(|timings| measure.tell(timings)).collect();
        let mut last = told.iter().flatten().next().copied().unwrap_or(0);
        let course = told.into_iter().map(|ms| {
            last = ms.unwrap_or(last);
            float(last)
        });
        chart::spark(&course.collect::<Vec<_>>())
    }
}

/// What timings tell: of which of their times, and which rank among these.
#[derive(Clone, Copy)]
struct Measure {
    of: fn(&Timing) -> Option<u64>,
    rank: fn(&Latency) -> Option<u64>,
}

impl Measure {
    fn median(of: fn(&Timing) -> Option<u64>) -> Self {
        Self { of, rank: |latency| latency.p50_ms }
    }

    fn p95(of: fn(&Timing) -> Option<u64>) -> Self {
        Self { of, rank: |latency| latency.p95_ms }
    }

    /// Milliseconds; `None` where nothing was measured.
    fn tell<'a>(self, timings: impl IntoIterator<Item = &'a Timing>) -> Option<u64> {
        (self.rank)(&Latency::of(timings.into_iter().map(self.of)))
    }
}

/// Over neighbouring stretches, or groups.
pub fn sum<'a>(parts: impl IntoIterator<Item = &'a UsageTotals>) -> UsageTotals {
    parts.into_iter().fold(UsageTotals::default(), |mut sum, totals| {
        sum += *totals;
        sum
    })
}

/// All figures; `before` are the sums of the period before, if there is one to compare with.
pub fn stats(
    totals: &UsageTotals,
    before: &UsageTotals,
    compares: bool,
    course: &Course<'_>,
    activity: &Activity,
) -> Vec<Stat> {
    let counted = |label, bad_up, of: fn(&UsageTotals) -> f64| Stat {
        label,
        value: of(totals),
        form: "num",
        known: true,
        change: change(of(totals), of(before)).filter(|_| compares),
        bad_up,
        spark: course.spark(of),
        ..Stat::default()
    };
    let (now, past) = (&activity.now, &activity.before);
    let hit = totals.tokens.cache_hit_rate();
    vec![
        counted("Requests", false, |t| float(t.requests)),
        Stat {
            label: "Active conversations",
            value: float(now.conversations),
            form: "num",
            known: true,
            change: change(float(now.conversations), float(past.conversations))
                .filter(|_| compares),
            spark: chart::spark(&activity.course.iter().copied().map(float).collect::<Vec<_>>()),
            ..Stat::default()
        },
        Stat {
            form: "usd",
            known: totals.cost_usd().is_some(),
            note: if totals.unpriced > 0 {
                format!("{} without a known price", totals.unpriced)
            } else {
                String::new()
            },
            ..counted("Cost", true, |t| t.cost.usd())
        },
        counted("Errors", true, |t| float(t.errors)),
        latency_stat("First token, median", course, activity, Measure::median(FIRST_TOKEN)),
        latency_stat("First token, p95", course, activity, Measure::p95(FIRST_TOKEN)),
        counted("Input tokens", false, |t| float(t.tokens.input)),
        counted("Output tokens", false, |t| float(t.tokens.output)),
        counted("Read from cache", false, |t| float(t.tokens.cache_read)),
        Stat {
            label: "Cache hit rate",
            value: hit.unwrap_or(0.0),
            form: "percent",
            known: hit.is_some(),
            change: hit
                .zip(before.tokens.cache_hit_rate())
                .and_then(|(now, before)| change(now, before))
                .filter(|_| compares),
            spark: course.spark(|t| t.tokens.cache_hit_rate().unwrap_or(0.0)),
            ..Stat::default()
        },
        latency_stat("Duration, median", course, activity, Measure::median(DURATION)),
        latency_stat("Duration, p95", course, activity, Measure::p95(DURATION)),
    ]
}

fn latency_stat(
    label: &'static str,
    course: &Course<'_>,
    activity: &Activity,
    measure: Measure,
) -> Stat {
    let now = measure.tell(&activity.now.timings);
    let past = measure.tell(&activity.before.timings);
    Stat {
        label,
        value: float(now.unwrap_or(0)),
        form: "ms",
        known: now.is_some(),
        change: now.zip(past).and_then(|(now, past)| change(float(now), float(past))),
        bad_up: true,
        spark: course.latencies(&activity.now.timings, measure),
        ..Stat::default()
    }
}

fn change(now: f64, before: f64) -> Option<f64> {
    (before > 0.0).then(|| now / before - 1.0)
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan, tz::TimeZone};
    use nexus_store::queries::ActivitySample;

    use super::*;
    use crate::view::Range;

    /// Of 20 that took from `least` milliseconds to 19 more.
    fn sample(at: Timestamp, least: u64) -> ActivitySample {
        let timing = |more| Timing {
            at,
            first_token_ms: Some(least + more),
            duration_ms: Some(10 * (least + more)),
        };
        ActivitySample { conversations: 1, timings: (0..20).map(timing).collect() }
    }

    #[test]
    fn percentiles_have_their_change_and_their_course() {
        let now: Timestamp = "2026-11-22T20:05:00Z".parse().expect("an instant");
        let buckets = Buckets::of(Range::Day, now, &TimeZone::UTC).expect("stretches");
        let current = vec![UsageTotals::default(); buckets.count];
        let activity = Activity {
            now: sample(now - 1.hour(), 101),
            before: sample(now - 30.hours(), 21),
            course: Vec::new(),
        };
        let course = Course { buckets: &buckets, current: &current };
        let none = UsageTotals::default();
        let stats = stats(&none, &none, true, &course, &activity);
        assert_eq!(stats.len(), 12);
        for (label, value, before) in [
            ("First token, median", 110.0, 30.0),
            ("First token, p95", 119.0, 39.0),
            ("Duration, median", 1100.0, 300.0),
            ("Duration, p95", 1190.0, 390.0),
        ] {
            let stat = stats.iter().find(|stat| stat.label == label).expect(label);
            assert!((stat.value - value).abs() < 1e-9, "{label}: {}", stat.value);
            let change = stat.change.expect(label);
            assert!((change - (value / before - 1.0)).abs() < 1e-9, "{label}: {change}");
            assert!(stat.known && stat.bad_up && stat.spark.contains("class=\"line\""), "{label}");
        }
    }
}
