//! How busy a period was, and how long its exchanges took, beside the period before.

use std::collections::BTreeMap;

use duplicate::duplicate_item;
use jiff::Timestamp;
use sqlx::{FromRow, Postgres, Sqlite};

use super::{
    conditions::Conditions,
    cover::{self, Run},
    row::{count, instant},
    statement::Statement,
    types::{Activity, ActivitySample, Latency, Timing, UsageFilter},
};
use crate::{engine::SqlStore, error::Result};

const CANNOT: &str = "activity cannot be read";

/// What a row is about.
const BEFORE: i64 = 0;
const NOW: i64 = 1;
const BEGUN: i64 = 2;
const ENDED: i64 = 3;

/// A timing of a period, or, without an instant, how many conversations it saw; or how many began or
/// ended in the stretch that begins at the instant. Their number stands in the last column.
#[derive(Debug, FromRow)]
struct ActivityRow {
    part: i64,
    at: Option<i64>,
    first_byte_ms: Option<i64>,
    duration_ms: Option<i64>,
}

/// Both periods and the course in one statement. Each branch is a scan of an index from its newest end.
fn statement(filter: &UsageFilter, before: &UsageFilter, edges: &[Timestamp]) -> Statement {
    let mut statement = Statement::new("");
    for (part, filter) in [(NOW, filter), (BEFORE, before)] {
        if part == BEFORE {
            statement.push(" UNION ALL ", []);
        }
        push_timings(&mut statement, part, filter);
        statement.push(" UNION ALL ", []);
        push_conversations(&mut statement, part, filter);
    }
    push_course(&mut statement, filter, edges);
    statement
}

fn push_timings(statement: &mut Statement, part: i64, filter: &UsageFilter) {
    statement.push(
        "SELECT CAST(? AS BIGINT) AS part, t.at, t.first_byte_ms, t.duration_ms FROM (",
        [part.into()],
    );
    statement
        .push("SELECT u.at, u.first_byte_ms, u.duration_ms FROM usage u WHERE u.errors = 0", []);
    statement.equal("u.domain", filter.domain.as_deref());
    statement.equal("u.account_id", filter.account_id.as_deref());
    statement.between("u.at", filter.from, filter.to);
    statement.push(" ORDER BY u.at DESC LIMIT ?) t", [ActivitySample::MAX.into()]);
}

/// One that was active before and after a period counts for it.
fn push_conversations(statement: &mut Statement, part: i64, filter: &UsageFilter) {
    statement.push(
        "SELECT CAST(? AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), COUNT(*) \
         FROM conversations c WHERE c.first_at IS NOT NULL",
        [part.into()],
    );
    push_scope(statement, filter);
    statement.between("c.last_at", filter.from, None);
    statement.between("c.first_at", None, filter.to);
}

/// Those that go on from before count as begun in the first stretch.
fn push_course(statement: &mut Statement, filter: &UsageFilter, edges: &[Timestamp]) {
    let Some(first) = edges.first().copied().map(Timestamp::as_microsecond) else { return };
    statement.push(
        " UNION ALL SELECT CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(NULL AS BIGINT), COUNT(*) \
         FROM conversations c WHERE c.last_at >= ? AND c.first_at < ?",
        [BEGUN.into(), first.into(), first.into(), first.into()],
    );
    push_scope(statement, filter);
    for run in cover::runs(edges) {
        push_run(statement, filter, BEGUN, "c.first_at", run);
        push_run(statement, filter, ENDED, "c.last_at", run);
    }
}

/// By stretch. Only the index over `last_at` is there to be read, so both ask it.
fn push_run(statement: &mut Statement, filter: &UsageFilter, part: i64, column: &str, run: Run) {
    let Run { from, to, length } = run;
    let stretch = format!(
        " UNION ALL SELECT CAST(? AS BIGINT), ? + ({column} - ?) / ? * ?, CAST(NULL AS BIGINT), \
         COUNT(*) FROM conversations c WHERE c.first_at IS NOT NULL"
    );
    statement.push(&stretch, [part.into(), from.into(), from.into(), length.into(), length.into()]);
    statement.push(
        &format!(" AND c.last_at >= ? AND {column} >= ? AND {column} < ?"),
        [from.into(), from.into(), to.into()],
    );
    push_scope(statement, filter);
    statement.push(" GROUP BY 2", []);
}

fn push_scope(statement: &mut Statement, filter: &UsageFilter) {
    statement.equal("c.domain", filter.domain.as_deref());
    if let Some(account) = &filter.account_id {
        statement.push(
            " AND EXISTS (SELECT 1 FROM conversation_values v WHERE v.field = 'account' \
             AND v.conversation_id = c.conversation_id AND v.value = ?)",
            [account.as_str().into()],
        );
    }
}

/// How many began and ended in the stretches, by where these begin.
#[derive(Debug, Default)]
struct Moves {
    begun: BTreeMap<i64, u64>,
    ended: BTreeMap<i64, u64>,
}

impl Moves {
    /// One that ends in a stretch is active in it, and not in the next.
    fn course(&self, edges: &[Timestamp]) -> Vec<u64> {
        let number = |moves: &BTreeMap<i64, u64>, at| moves.get(&at).copied().unwrap_or(0);
        let mut active = 0_u64;
        let mut course = Vec::with_capacity(edges.len());
        for edge in edges.iter().take(edges.len().saturating_sub(1)) {
            active += number(&self.begun, edge.as_microsecond());
            course.push(active);
            active = active.saturating_sub(number(&self.ended, edge.as_microsecond()));
        }
        course
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn activity(
        &self,
        filter: &UsageFilter,
        before: &UsageFilter,
        edges: &[Timestamp],
    ) -> Result<Activity> {
        let statement = statement(filter, before, edges);
        let rows: Vec<ActivityRow> = self.list(&statement, CANNOT).await?;
        let mut activity = Activity::default();
        let mut moves = Moves::default();
        for row in rows {
            let number = row.duration_ms.map_or(0, count);
            let sample = if row.part == NOW { &mut activity.now } else { &mut activity.before };
            match (row.part, row.at) {
                (BEGUN, Some(at)) => *moves.begun.entry(at).or_default() += number,
                (ENDED, Some(at)) => *moves.ended.entry(at).or_default() += number,
                (_period, None) => sample.conversations = number,
                (_period, Some(at)) => sample.timings.push(Timing {
                    at: instant(at)?,
                    first_token_ms: row.first_byte_ms.map(count),
                    duration_ms: row.duration_ms.map(count),
                }),
            }
        }
        activity.course = moves.course(edges);
        Ok(activity)
    }
}

/// The value below which the share `percent` of the sorted values lies (nearest rank).
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

impl Latency {
    /// Percentiles that are values that were measured.
    pub fn of(values: impl IntoIterator<Item = Option<u64>>) -> Self {
        let mut sorted: Vec<_> = values.into_iter().flatten().collect();
        sorted.sort_unstable();
        Self { p50_ms: percentile(&sorted, 50), p95_ms: percentile(&sorted, 95) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let latency = Latency::of((1..=20).map(Some));
        assert_eq!(latency, Latency { p50_ms: Some(10), p95_ms: Some(19) });
        assert_eq!(Latency::of([Some(7), None]).p50_ms, Some(7));
        assert_eq!(Latency::of([None]), Latency::default());
    }
}
