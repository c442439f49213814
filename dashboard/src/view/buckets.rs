//! A range of time cut into stretches for charts, with the range before to compare with.

use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use nexus_store::queries::{UsageBucket, UsageTotals};

use super::Range;
use crate::{api::midnight, error::PageError};

/// Neighbouring stretches, the last one holding now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets {
    /// How many the period has; as many lie before it.
    pub count: usize,
    zone: TimeZone,
    form: &'static str,
    /// Where each begins, those before the period first, and where the last one ends.
    edges: Vec<Timestamp>,
}

const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;
/// How many weeks "all time" shows: about a year. As many days would be too many elements for a page.
const ALL_WEEKS: usize = 52;

impl Buckets {
    /// Days are the zone's own and may have 23 or 25 hours, and weeks are seven of them, the last one
    /// with today; what is shorter is cut alike everywhere.
    pub fn of(range: Range, now: Timestamp, zone: &TimeZone) -> Result<Self, PageError> {
        let (minutes, count) = cut(range);
        if minutes < DAY {
            return Ok(Self::new(minutes, count, now, zone));
        }
        let step = i64::from(minutes / DAY);
        let before = i64::try_from(count * 2).unwrap_or(1) * step - 1;
        let first = now.to_zoned(zone.clone()).date().saturating_sub(before.days());
        let days = first.series(step.days()).take(count * 2 + 1);
        let edges = days.map(|day| midnight(day, zone)).collect::<Result<Vec<_>, _>>()?;
        let form = if step > 1 { "week of %b %-d" } else { "%b %-d" };
        Ok(Self { count, zone: zone.clone(), form, edges })
    }

    /// Stretches of less than a day, counted from 1970-01-01T00:00Z.
    pub fn new(minutes: u32, count: usize, now: Timestamp, zone: &TimeZone) -> Self {
        let width = i64::from(minutes) * 60;
        let last = now.as_second().div_euclid(width) * width;
        let steps = i64::try_from(count).unwrap_or(1);
        let edge = |step| Timestamp::from_second(last + width * step).unwrap_or(now);
        let edges: Vec<_> = (1 - 2 * steps..=1).map(edge).collect();
        let in_a_day = SignedDuration::from_secs(width * steps) <= SignedDuration::from_hours(24);
        let form = if in_a_day { "%H:%M" } else { "%b %-d %H:%M" };
        Self { count, zone: zone.clone(), form, edges }
    }

    /// A stretch's usual length.
    pub const fn minutes(range: Range) -> u32 {
        cut(range).0
    }

    /// For the store to sum up between.
    pub fn edges(&self) -> &[Timestamp] {
        &self.edges
    }

    /// Those of the period alone.
    pub fn period(&self) -> &[Timestamp] {
        &self.edges[self.count..]
    }

    /// The first instant of the period.
    pub fn start(&self) -> Timestamp {
        self.edges[self.count]
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

    /// Which of the stretches, those before counted first, holds an instant.
    fn index(&self, at: Timestamp) -> Option<usize> {
        let begun = self.edges.partition_point(|edge| *edge <= at);
        begun.checked_sub(1).filter(|index| *index < self.count * 2)
    }

    /// What stands below the axis.
    pub fn labels(&self) -> Vec<String> {
        let begins = self.edges.iter().skip(self.count).take(self.count);
        begins.map(|at| at.to_zoned(self.zone.clone()).strftime(self.form).to_string()).collect()
    }
}

/// Minutes of a stretch, and how many there are.
const fn cut(range: Range) -> (u32, usize) {
    match range {
        Range::Hour => (15, 4),
        Range::Day => (60, 24),
        Range::Week => (360, 28),
        Range::Month => (DAY, 30),
        Range::All => (WEEK, ALL_WEEKS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn bucket(start: Timestamp, requests: u64) -> UsageBucket {
        let totals = UsageTotals { requests, ..UsageTotals::default() };
        UsageBucket { start, key: <_>::default(), totals }
    }

    fn of(range: Range, now: &str, zone: &str) -> Buckets {
        let zone = TimeZone::get(zone).expect("a zone");
        Buckets::of(range, at(now), &zone).expect("buckets")
    }

    #[test]
    fn a_day_has_its_hours_and_the_day_before_as_many() {
        let now = at("2027-01-15T08:20:34Z");
        let buckets = of(Range::Day, "2027-01-15T08:20:34Z", "UTC");
        let first = now - SignedDuration::from_hours(47);
        let used = [bucket(first, 1), bucket(buckets.start(), 2), bucket(now, 4)];
        let (before, current) = buckets.split(&used);
        assert_eq!((before.len(), current.len(), buckets.labels().len()), (24, 24, 24));
        assert_eq!((before[0].requests, current[0].requests, current[23].requests), (1, 2, 4));
    }

    #[test]
    fn days_begin_at_the_zones_midnight() {
        // Midnight in Kolkata is 18:30 in UTC.
        let buckets = of(Range::Month, "2026-11-22T20:00:00Z", "Asia/Kolkata");
        let used = [
            bucket(at("2026-11-22T18:15:00Z"), 1),
            bucket(at("2026-11-22T18:30:00Z"), 2),
            bucket(at("2026-10-24T18:30:00Z"), 4),
            bucket(at("2026-10-24T18:15:00Z"), 8),
        ];
        let (before, current) = buckets.split(&used);
        let days = buckets.labels();
        assert_eq!((days.len(), days[28].as_str(), days[29].as_str()), (30, "Nov 22", "Nov 23"));
        assert_eq!((current[28].requests, current[29].requests), (1, 2));
        assert_eq!((before[29].requests, current[0].requests), (8, 4));
    }

    #[test]
    fn all_time_is_told_in_weeks_of_which_the_last_ends_today() {
        let buckets = of(Range::All, "2026-11-22T20:00:00Z", "Europe/Berlin");
        let labels = buckets.labels();
        assert_eq!((labels.len(), labels[51].as_str()), (52, "week of Nov 16"));
        let first = at("2026-11-15T23:00:00Z");
        assert_eq!((buckets.place(first), buckets.place(first - 1.hour())), (Some(51), Some(50)));
        assert_eq!(buckets.place(at("2026-11-22T22:59:00Z")), Some(51));
        assert_eq!(buckets.place(at("2026-11-22T23:00:00Z")), None, "tomorrow");
    }

    #[test]
    fn a_day_of_25_hours_is_one_day() {
        let buckets = of(Range::Month, "2026-10-26T12:00:00Z", "Europe/Berlin");
        let (first, last) = ("2026-10-24T22:00:00Z", "2026-10-25T22:59:00Z");
        assert_eq!((buckets.place(at(first)), buckets.place(at(last))), (Some(28), Some(28)));
        assert_eq!(buckets.place(at("2026-10-25T23:00:00Z")), Some(29));
        assert_eq!(buckets.place(at("2026-10-26T23:00:00Z")), None, "tomorrow");
    }

    #[test]
    fn hours_are_told_with_their_day_where_there_are_several() {
        let zone = TimeZone::UTC;
        let now = at("2026-11-22T20:05:00Z");
        let label = |count| Buckets::new(60, count, now, &zone).labels().pop();
        assert_eq!(label(24).as_deref(), Some("20:00"));
        assert_eq!(label(24 * 7).as_deref(), Some("Nov 22 20:00"));
    }
}
