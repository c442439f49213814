//! A range of time cut into stretches for charts, with the range before to compare with.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use nexus_store::queries::{UsageBucket, UsageTotals};

use super::Range;

/// Equal stretches, the last one holding now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets {
    pub minutes: u32,
    pub count: usize,
    /// The first instant of the first stretch.
    pub start: Timestamp,
    /// The first instant of as many stretches before.
    pub before: Timestamp,
}

/// How many days "all time" shows.
const ALL_DAYS: usize = 90;

impl Buckets {
    pub fn of(range: Range, now: Timestamp) -> Self {
        let (minutes, count) = match range {
            Range::Hour => (15, 4),
            Range::Day => (60, 24),
            Range::Week => (360, 28),
            Range::Month => (1440, 30),
            Range::All => (1440, ALL_DAYS),
        };
        Self::new(minutes, count, now)
    }

    pub fn new(minutes: u32, count: usize, now: Timestamp) -> Self {
        let width = i64::from(minutes) * 60;
        let last = now.as_second().div_euclid(width) * width;
        let steps = i64::try_from(count).unwrap_or(1);
        let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
        let start = last - width * (steps - 1);
        Self { minutes, count, start: at(start), before: at(start - width * steps) }
    }

    /// The sums before, and those within, each with zeros where nothing was.
    pub fn split(&self, used: &[UsageBucket]) -> (Vec<UsageTotals>, Vec<UsageTotals>) {
        let mut all = vec![UsageTotals::default(); self.count * 2];
        for bucket in used {
            if let Some(index) = self.index(bucket.start) {
                all[index] += bucket.totals;
            }
        }
        let current = all.split_off(self.count);
        (all, current)
    }

    /// Which of the stretches of the period holds an instant.
    pub fn place(&self, at: Timestamp) -> Option<usize> {
        self.index(at)?.checked_sub(self.count)
    }

    /// Which of the stretches, those before counted first, begins at `start`.
    fn index(&self, start: Timestamp) -> Option<usize> {
        let width = i64::from(self.minutes) * 60;
        let index = (start.as_second() - self.before.as_second()).div_euclid(width);
        usize::try_from(index).ok().filter(|index| *index < self.count * 2)
    }

    /// What stands below the axis.
    pub fn labels(&self, zone: &TimeZone) -> Vec<String> {
        let step = SignedDuration::from_mins(i64::from(self.minutes));
        let mut at = self.start;
        let mut labels = Vec::with_capacity(self.count);
        for _ in 0..self.count {
            let zoned = at.to_zoned(zone.clone());
            labels.push(match self.minutes {
                0..=60 => zoned.strftime("%H:%M").to_string(),
                61..=1439 => zoned.strftime("%b %-d %H:%M").to_string(),
                _ => zoned.strftime("%b %-d").to_string(),
            });
            at = at.checked_add(step).unwrap_or(at);
        }
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_hours_and_the_day_before_as_many() {
        let now = Timestamp::from_second(1_800_000_000 + 1234).expect("valid");
        let buckets = Buckets::of(Range::Day, now);
        let totals = |requests| UsageTotals { requests, ..UsageTotals::default() };
        let bucket =
            |start, requests| UsageBucket { start, key: <_>::default(), totals: totals(requests) };
        let used = [bucket(buckets.before, 1), bucket(buckets.start, 2), bucket(now, 4)];
        let (before, current) = buckets.split(&used);
        assert_eq!(
            (before.len(), current.len(), buckets.labels(&TimeZone::UTC).len()),
            (24, 24, 24)
        );
        assert_eq!((before[0].requests, current[0].requests, current[23].requests), (1, 2, 4));
    }
}
