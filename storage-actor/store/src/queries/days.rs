//! Usage summed by the days of a time zone: from the days of UTC, and from the hours between its
//! midnights and theirs.
//!
//! Those hours belong to the day on the one side of the zone's midnight and were counted on the other.
//! All hours of the days would be many times as many rows as both.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    cover, series,
    statement::Statement,
    types::{GroupBy, UsageBucket, UsageFilter, UsageKey, UsageTotals},
    usage::{conditions, push_keys, table},
};

const HOUR: i64 = 60 * cover::MINUTE;
const DAY: i64 = 24 * HOUR;

/// Whether the stretches between the edges are days, and not those of UTC; the first may be shorter.
pub(super) fn are_days(edges: &[Timestamp]) -> bool {
    let is_day = |(index, pair): (usize, &[Timestamp])| {
        let hours = (pair[1].as_microsecond() - pair[0].as_microsecond()) / HOUR;
        hours <= 25 && (hours >= 23 || index == 0)
    };
    let is_of_utc = cover::widest_between(edges) * cover::MINUTE == DAY;
    edges.len() > 1 && !is_of_utc && edges.windows(2).enumerate().all(is_day)
}

/// The sums of the days of UTC, each under its first instant, and of the margins, each under its edge.
pub(super) fn statement(filter: &UsageFilter, edges: &[Timestamp], group: GroupBy) -> Statement {
    let midnights: Vec<_> = edges.iter().map(|edge| midnight(*edge)).collect();
    let mut statement = Statement::new(series::PACKED);
    let mut union = "";
    for run in cover::runs(&midnights) {
        statement.push(union, []);
        series::push_run(&mut statement, filter, group, run, DAY / cover::MINUTE);
        union = series::UNION;
    }
    for margins in margins(edges) {
        for part in margins.parts() {
            statement.push(union, []);
            push_margins(&mut statement, filter, group, margins, part);
            union = series::UNION;
        }
    }
    statement.push(series::BY_KEY, []);
    statement
}

/// The midnight in UTC that is nearest; of two the one before.
fn midnight(at: Timestamp) -> Timestamp {
    let nearest = (at.as_microsecond() + DAY / 2 - 1).div_euclid(DAY) * DAY;
    Timestamp::from_microsecond(nearest).unwrap_or(at)
}

/// What lies between edges and their midnights, a day from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Margins {
    /// The first edge, and where its margin begins.
    edge: i64,
    from: i64,
    /// Of each.
    length: i64,
    count: i64,
}

fn margins(edges: &[Timestamp]) -> Vec<Margins> {
    let mut all: Vec<Margins> = Vec::new();
    for at in edges {
        let (edge, midnight) = (at.as_microsecond(), midnight(*at).as_microsecond());
        let (from, length) = (edge.min(midnight), (edge - midnight).abs());
        let one = Margins { edge, from, length, count: 1 };
        match all.last_mut() {
            _ if length == 0 => {}
            Some(last) if last.goes_on_with(one) => last.count += 1,
            _other => all.push(one),
        }
    }
    all
}

/// Buckets of a width that fill the first margin, or one side of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    width_minutes: i64,
    from: i64,
    to: i64,
}

impl Margins {
    fn goes_on_with(self, next: Self) -> bool {
        let later = self.count * DAY;
        next == Self { edge: self.edge + later, from: self.from + later, count: 1, ..self }
    }

    /// Whole hours, and the quarters beside them.
    fn parts(self) -> impl Iterator<Item = Part> {
        let to = self.from + self.length;
        let first_hour = (self.from + HOUR - 1).div_euclid(HOUR) * HOUR;
        let last_hour = to.div_euclid(HOUR) * HOUR;
        let parts = [(15, self.from, first_hour), (60, first_hour, last_hour), (15, last_hour, to)];
        let parts = parts.map(|(width_minutes, from, to)| Part { width_minutes, from, to });
        parts.into_iter().filter(|part| part.from < part.to)
    }
}

fn push_margins(
    statement: &mut Statement,
    filter: &UsageFilter,
    group: GroupBy,
    margins: Margins,
    part: Part,
) {
    let Part { width_minutes, from, to } = part;
    let Margins { edge, count, .. } = margins;
    let last = edge + (count - 1) * DAY;
    statement.push("SELECT n.edge AS bucket, ", []);
    push_keys(statement, group);
    // Each edge leads to its own rows: between two of them lie many times as many. CROSS has SQLite begin
    // with the edges.
    let stretches = format!(
        " FROM (WITH RECURSIVE n (edge) AS (SELECT CAST(? AS BIGINT) UNION ALL \
            SELECT n.edge + ? FROM n WHERE n.edge < ?) SELECT n.edge FROM n) n \
        CROSS JOIN {} u \
        WHERE u.width_minutes = ? AND u.start >= n.edge + ? AND u.start < n.edge + ?",
        table(filter, group)
    );
    statement.push(series::SUMS, []).push(
        &stretches,
        [
            edge.into(),
            DAY.into(),
            last.into(),
            width_minutes.into(),
            (from - edge).into(),
            (to - edge).into(),
        ],
    );
    conditions(statement, filter);
    series::push_group(statement, group);
}

type Sums = BTreeMap<(Timestamp, UsageKey), UsageTotals>;

/// The sums between the edges, from those that [`statement`] gives.
pub(super) fn joined(edges: &[Timestamp], parts: Vec<UsageBucket>) -> Vec<UsageBucket> {
    let midnights: Vec<_> = edges.iter().map(|edge| midnight(*edge)).collect();
    let (mut more, mut less) = (Sums::new(), Sums::new());
    for UsageBucket { start, key, totals } in parts {
        // Which days count it, and which have counted what is not theirs, by the edge they begin at.
        let (counts, counted) = match edges.binary_search(&start) {
            Ok(edge) if start < midnights[edge] => (Some(edge), edge.checked_sub(1)),
            Ok(edge) if start > midnights[edge] => (edge.checked_sub(1), Some(edge)),
            _day => (midnights.partition_point(|at| *at <= start).checked_sub(1), None),
        };
        // Behind the last edge is no day.
        let begin =
            |day: Option<usize>| day.filter(|day| day + 1 < edges.len()).map(|day| edges[day]);
        if let Some(day) = begin(counts) {
            *more.entry((day, key.clone())).or_default() += totals;
        }
        if let Some(day) = begin(counted) {
            *less.entry((day, key)).or_default() += totals;
        }
    }
    let days = more.into_iter().map(|(place, mut totals)| {
        if let Some(foreign) = less.get(&place) {
            totals -= *foreign;
        }
        let (start, key) = place;
        UsageBucket { start, key, totals }
    });
    days.filter(|day| day.totals.requests > 0).collect()
}

#[cfg(test)]
mod tests {
    use jiff::{ToSpan, civil::date, tz::TimeZone};

    use super::*;

    /// Midnights of a zone, over both changes of its clock.
    fn edges(zone: &str) -> Vec<Timestamp> {
        let zone = TimeZone::get(zone).expect("a zone");
        let days = date(2026, 1, 1).series(1.day()).take(366);
        days.map(|day| day.to_zoned(zone.clone()).expect("a day").timestamp()).collect()
    }

    /// As many as there are quarters since 1970, in each quarter.
    fn requests(from: i64, to: i64) -> u64 {
        let quarter = 15 * cover::MINUTE;
        let quarters = from.div_euclid(quarter)..to.div_euclid(quarter);
        quarters.map(i64::unsigned_abs).sum()
    }

    fn bucket(start: i64, requests: u64) -> UsageBucket {
        let totals = UsageTotals { requests, ..UsageTotals::default() };
        let start = Timestamp::from_microsecond(start).expect("an instant");
        UsageBucket { start, key: UsageKey::default(), totals }
    }

    /// What the statement gives.
    fn parts(edges: &[Timestamp]) -> Vec<UsageBucket> {
        let midnights: Vec<_> = edges.iter().map(|edge| midnight(*edge)).collect();
        let mut parts = Vec::new();
        for cover::Run { from, to, length } in cover::runs(&midnights) {
            let days = (0..(to - from) / length).map(|day| from + day * length);
            parts.extend(days.map(|day| bucket(day, requests(day, day + length))));
        }
        for margins in margins(edges) {
            for part in margins.parts() {
                assert!((part.to - part.from) % (part.width_minutes * cover::MINUTE) == 0);
                let days = (0..margins.count).map(|day| day * DAY);
                parts.extend(days.map(|later| {
                    bucket(margins.edge + later, requests(part.from + later, part.to + later))
                }));
            }
        }
        parts
    }

    #[test]
    fn days_of_every_zone_are_those_of_a_recount() {
        let zones = [
            "UTC",
            "Europe/Berlin",
            "Europe/London",
            "America/Los_Angeles",
            "America/St_Johns",
            "Asia/Kathmandu",
            "Australia/Lord_Howe",
            "Pacific/Norfolk",
            "Pacific/Auckland",
            "Pacific/Chatham",
            "Pacific/Kiritimati",
            "Pacific/Pago_Pago",
            // Their clocks change at midnight: there is none, or there are two.
            "America/Santiago",
            "America/Havana",
            // It changes four times a year.
            "Africa/Casablanca",
        ];
        let begins: [i64; 6] = [0, 15, 5 * 60, 11 * 60 + 45, 13 * 60 + 15, 22 * 60 + 30];
        for (zone, later) in zones.into_iter().flat_map(|zone| begins.map(|later| (zone, later))) {
            let mut edges = edges(zone);
            edges[0] += later.minutes();
            // UTC's own have rows of their own.
            assert_eq!(are_days(&edges), (zone, later) != ("UTC", 0), "{zone}, {later}");
            let days: Vec<_> = joined(&edges, parts(&edges))
                .iter()
                .map(|day| (day.start, day.totals.requests))
                .collect();
            let recount = edges
                .windows(2)
                .map(|day| (day[0], requests(day[0].as_microsecond(), day[1].as_microsecond())));
            assert_eq!(days, recount.collect::<Vec<_>>(), "{zone}, {later} minutes later");
        }
    }

    #[test]
    fn days_without_requests_are_left_out() {
        let edges = &edges("Europe/Berlin")[..3];
        // The hour before midnight in UTC is all that there was.
        let (day, edge) = (edges[0].as_microsecond() + HOUR, edges[1].as_microsecond());
        let days = joined(edges, vec![bucket(day, 4), bucket(edge, 4)]);
        assert_eq!(days, [bucket(edge, 4)]);
    }

    #[test]
    fn days_of_zones_alike_are_one_statement() {
        let sql = |first: &str| {
            let first: Timestamp = first.parse().expect("an instant");
            let edges = [first, first + 24.hours(), first + 48.hours()];
            statement(&UsageFilter::default(), &edges, GroupBy::default()).sql
        };
        let in_berlin = sql("2026-11-05T23:00:00Z");
        assert_eq!(in_berlin, sql("2026-11-06T08:00:00Z"), "in Los Angeles");
        let in_delhi = sql("2026-11-06T18:30:00Z");
        assert_eq!(in_delhi, sql("2026-11-06T18:15:00Z"), "in Kathmandu");
        assert_ne!(in_berlin, in_delhi);
    }
}
