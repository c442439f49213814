//! Usage summed over neighbouring stretches of time.
//!
//! The engine gives a row for each key, and in it the sums of all stretches as text: SQLite's driver
//! takes longer over a row of numbers than SQLite does over their sums.

use duplicate::duplicate_item;
use jiff::Timestamp;
use sqlx::{FromRow, Postgres, Sqlite};

use super::{
    conditions::Conditions,
    cover::{self, Run},
    row::instant,
    statement::Statement,
    types::{GroupBy, UsageBucket, UsageFilter, UsageKey},
    usage::{CANNOT, KeyRow, OF_BUCKETS, SumRow, conditions, push_keys},
};
use crate::{
    engine::SqlStore,
    error::{Result, StoreError},
};

const HOUR: i64 = 60 * cover::MINUTE;

/// The sums `s` of all stretches of a key. Each is the numbers of [`sum`], separated by spaces.
const PACKED: &str = "\
    SELECT s.domain, s.account_id, s.model, s.request_type, \
    string_agg(CAST(s.bucket AS TEXT) \
    || ' ' || s.requests || ' ' || s.errors || ' ' || s.input || ' ' || s.output \
    || ' ' || s.cache_read || ' ' || s.cache_creation_5m || ' ' || s.cache_creation_1h \
    || ' ' || s.cost_nanos || ' ' || s.unpriced || ' ' || s.duration_ms || ' ' || s.tool_calls, \
    ',') AS sums FROM (";

/// After [`PACKED`] and a statement that gives the sums.
const BY_KEY: &str = ") s GROUP BY s.domain, s.account_id, s.model, s.request_type";

#[derive(Debug, FromRow)]
struct SeriesRow {
    #[sqlx(flatten)]
    key: KeyRow,
    sums: String,
}

impl SeriesRow {
    fn buckets(self) -> Result<Vec<UsageBucket>> {
        let key = self.key.key()?;
        self.sums.split(',').map(|text| bucket(text, &key)).collect()
    }
}

fn bucket(text: &str, key: &UsageKey) -> Result<UsageBucket> {
    let (start, sums) =
        sum(text).ok_or_else(|| StoreError::Corrupt(format!("a sum of usage reads {text:?}")))?;
    Ok(UsageBucket { start: instant(start)?, totals: sums.totals(), key: key.clone() })
}

/// Where the stretch starts, and its sums.
fn sum(text: &str) -> Option<(i64, SumRow)> {
    let mut parts = text.split(' ');
    let mut next = || -> Option<i64> { parts.next()?.parse().ok() };
    let start = next()?;
    let sums = SumRow {
        requests: next()?,
        errors: next()?,
        input: next()?,
        output: next()?,
        cache_read: next()?,
        cache_creation_5m: next()?,
        cache_creation_1h: next()?,
        cost_nanos: next()?,
        unpriced: next()?,
        duration_ms: next()?,
        tool_calls: next()?,
    };
    parts.next().is_none().then_some((start, sums))
}

fn buckets(filter: &UsageFilter, width_minutes: u32, group: GroupBy) -> Statement {
    let width = i64::from(width_minutes.max(1)) * cover::MINUTE;
    let source = cover::widest(width_minutes);
    let mut statement = Statement::new(PACKED);
    // The width stands in the text: PostgreSQL would not see that two placeholders are one value. Where
    // the stretches are the table's own, its key has them in order.
    let start = if source * cover::MINUTE == width {
        "SELECT u.start AS bucket, ".to_owned()
    } else {
        format!("SELECT (u.start / {width}) * {width} AS bucket, ")
    };
    statement.push(&start, []);
    push_keys(&mut statement, group);
    statement.push(OF_BUCKETS, []);
    statement.push(" FROM usage_buckets u WHERE u.width_minutes = ?", [source.into()]);
    statement.between("u.start", filter.from, filter.to);
    conditions(&mut statement, filter);
    push_group(&mut statement, group);
    statement.push(BY_KEY, []);
    statement
}

/// The sums of all stretches between the edges; `None` when there are none.
fn between(filter: &UsageFilter, edges: &[Timestamp], group: GroupBy) -> Option<Statement> {
    let width = cover::widest_between(edges);
    let runs = cover::runs(edges);
    let mut statement = Statement::new(PACKED);
    let mut union = "";
    for run in &runs {
        for (width, part) in parts(width, *run) {
            statement.push(union, []);
            push_run(&mut statement, filter, group, *run, (width, part));
            union = " UNION ALL ";
        }
    }
    statement.push(BY_KEY, []);
    (!runs.is_empty()).then_some(statement)
}

/// Which buckets of a width a run is summed up from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    /// Hours that lie within one stretch.
    InnerHours,
    /// Quarters of the other hours.
    OuterQuarters,
}

/// The widths, and which of their buckets, that together fill a run. Days that begin within an hour
/// have four times as many quarters as hours.
fn parts(width: i64, run: Run) -> Vec<(i64, Part)> {
    if width < 60 && run.length > HOUR {
        vec![(60, Part::InnerHours), (width, Part::OuterQuarters)]
    } else {
        vec![(width, Part::All)]
    }
}

fn push_run(
    statement: &mut Statement,
    filter: &UsageFilter,
    group: GroupBy,
    run: Run,
    (width, part): (i64, Part),
) {
    let Run { from, to, length } = run;
    // All values are bound: every zone and every day has others, and each text is a statement that
    // connections keep prepared.
    statement.push(
        "SELECT ? + (u.start - ?) / ? * ? AS bucket, ",
        [from.into(), from.into(), length.into(), length.into()],
    );
    push_keys(statement, group);
    statement.push(OF_BUCKETS, []).push(
        " FROM usage_buckets u WHERE u.width_minutes = ? AND u.start >= ? AND u.start < ?",
        [width.into(), from.into(), to.into()],
    );
    let last_hour = length - HOUR;
    match part {
        Part::All => {}
        Part::InnerHours => {
            let values = [from.into(), length.into(), last_hour.into()];
            statement.push(" AND (u.start - ?) % ? <= ?", values);
        }
        Part::OuterQuarters => {
            let values = [from.into(), from.into(), length.into(), last_hour.into()];
            let hour = format!("u.start - u.start % {HOUR}");
            let outer = format!(" AND ({hour} < ? OR ({hour} - ?) % ? > ?)");
            statement.push(&outer, values);
        }
    }
    conditions(statement, filter);
    push_group(statement, group);
}

/// After the stretch and [`push_keys`]: by the stretch, and by those keys that are told apart.
fn push_group(statement: &mut Statement, group: GroupBy) {
    let keys = [(2, group.domain), (3, group.account), (4, group.model), (5, group.request_type)];
    statement.push(" GROUP BY 1", []);
    for (position, is_told_apart) in keys {
        if is_told_apart {
            statement.push(&format!(", {position}"), []);
        }
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn usage_buckets(
        &self,
        filter: &UsageFilter,
        width_minutes: u32,
        group: GroupBy,
    ) -> Result<Vec<UsageBucket>> {
        self.usage_series(&buckets(filter, width_minutes, group)).await
    }

    pub(super) async fn usage_between(
        &self,
        filter: &UsageFilter,
        edges: &[Timestamp],
        group: GroupBy,
    ) -> Result<Vec<UsageBucket>> {
        let Some(statement) = between(filter, edges, group) else { return Ok(Vec::new()) };
        self.usage_series(&statement).await
    }

    async fn usage_series(&self, statement: &Statement) -> Result<Vec<UsageBucket>> {
        let rows: Vec<SeriesRow> = self.list(statement, CANNOT).await?;
        let mut series = Vec::new();
        for row in rows {
            series.extend(row.buckets()?);
        }
        series.sort_by(|a, b| (a.start, &a.key).cmp(&(b.start, &b.key)));
        // Hours and quarters of the same day.
        series.dedup_by(|part, bucket| {
            let is_same = part.start == bucket.start && part.key == bucket.key;
            if is_same {
                bucket.totals += part.totals;
            }
            is_same
        });
        Ok(series)
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn days(first: &str) -> String {
        let first: Timestamp = first.parse().expect("an instant");
        let edges = [first, first + 24.hours(), first + 48.hours()];
        let statement = between(&UsageFilter::default(), &edges, GroupBy::default());
        statement.expect("days").sql
    }

    #[test]
    fn days_of_every_zone_are_one_of_two_statements() {
        let in_london = days("2026-11-01T00:00:00Z");
        assert_eq!(in_london, days("2026-11-06T08:00:00Z"), "in Los Angeles");
        let in_delhi = days("2026-11-06T18:30:00Z");
        assert_eq!(in_delhi, days("2026-11-06T18:15:00Z"), "in Kathmandu");
        assert_ne!(in_london, in_delhi);
    }

    #[test]
    fn a_sum_is_twelve_numbers_and_nothing_else_is_one() {
        let (start, sums) = sum("1700 1 2 3 4 5 6 7 -8 9 10 11").expect("a sum");
        assert_eq!((start, sums.requests, sums.cost_nanos, sums.tool_calls), (1700, 1, -8, 11));
        for text in ["", "1", "1700 1 2 3 4 5 6 7 8 9 10", "1700 1 2 3 4 5 6 7 8 9 10 11 12"] {
            assert!(sum(text).is_none(), "{text}");
        }
        assert!(sum("x 1 2 3 4 5 6 7 8 9 10 11").is_none());
    }
}
