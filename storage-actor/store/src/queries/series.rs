//! Usage summed over neighbouring stretches of time.
//!
//! The engine gives a row for each key, and in it the sums of all stretches as text: SQLite's driver
//! takes longer over a row of numbers than SQLite does over their sums. What is read grows with the
//! accounts, models and hours of the time that is asked for, not with the requests.

use duplicate::duplicate_item;
use jiff::Timestamp;
use sqlx::{FromRow, Postgres, Sqlite};

use super::{
    conditions::Conditions,
    cover::{self, Run},
    days,
    row::instant,
    statement::Statement,
    types::{GroupBy, UsageBucket, UsageFilter, UsageKey},
    usage::{CANNOT, KeyRow, SumRow, conditions, push_keys, table},
};
use crate::{
    engine::SqlStore,
    error::{Result, StoreError},
};

/// All stretches `s` of a key, each where it starts and its [`SUMS`]: see [`sum`].
pub(super) const PACKED: &str = "\
    SELECT s.domain, s.account_id, s.model, s.request_type, \
    string_agg(concat_ws(' ', s.bucket, s.sums), ',') AS sums FROM (";

/// The sums of one stretch, separated by spaces. They are text before the stretches are brought in the
/// order of their keys: a sort moves two columns then, and not a dozen.
pub(super) const SUMS: &str = "\
    concat_ws(' ', SUM(u.requests), SUM(u.errors), SUM(u.input_tokens), SUM(u.output_tokens), \
    SUM(u.cache_read_tokens), SUM(u.cache_creation_5m_tokens), SUM(u.cache_creation_1h_tokens), \
    SUM(u.cost_nanos), SUM(u.unpriced), SUM(u.duration_ms), SUM(u.tool_calls)) AS sums";

/// After [`PACKED`] and a statement that gives the sums.
pub(super) const BY_KEY: &str = ") s GROUP BY s.domain, s.account_id, s.model, s.request_type";

/// Between statements that give sums.
pub(super) const UNION: &str = " UNION ALL ";

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
    let from = format!(" FROM {} u WHERE u.width_minutes = ?", table(filter, group));
    statement.push(SUMS, []).push(&from, [source.into()]);
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
        statement.push(union, []);
        push_run(&mut statement, filter, group, *run, width);
        union = UNION;
    }
    statement.push(BY_KEY, []);
    (!runs.is_empty()).then_some(statement)
}

/// The sums of a run's stretches, each under its first instant, from the buckets of a width.
pub(super) fn push_run(
    statement: &mut Statement,
    filter: &UsageFilter,
    group: GroupBy,
    run: Run,
    width_minutes: i64,
) {
    let Run { from, to, length } = run;
    // All values are bound: every zone and every day has others, and each text is a statement that
    // connections keep prepared.
    statement.push(
        "SELECT ? + (u.start - ?) / ? * ? AS bucket, ",
        [from.into(), from.into(), length.into(), length.into()],
    );
    push_keys(statement, group);
    let stretches = format!(
        " FROM {} u WHERE u.width_minutes = ? AND u.start >= ? AND u.start < ?",
        table(filter, group)
    );
    let values = [width_minutes.into(), from.into(), to.into()];
    statement.push(SUMS, []).push(&stretches, values);
    conditions(statement, filter);
    push_group(statement, group);
}

/// After the stretch and [`push_keys`]: by the stretch, and by those keys that are told apart.
pub(super) fn push_group(statement: &mut Statement, group: GroupBy) {
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
        if days::are_days(edges) {
            let parts = self.usage_series(&days::statement(filter, edges, group)).await?;
            return Ok(days::joined(edges, parts));
        }
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
        // Hours and quarters beside the same midnight.
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
    use super::*;

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
