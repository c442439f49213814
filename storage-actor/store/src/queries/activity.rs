//! How busy a period was, and how long its exchanges took, beside the period before.

use duplicate::duplicate_item;
use sqlx::{FromRow, Postgres, Sqlite};

use super::{
    conditions::Conditions,
    row::{count, instant},
    statement::Statement,
    types::{Activity, ActivitySample, Latency, Timing, UsageFilter},
};
use crate::{engine::SqlStore, error::Result};

const CANNOT: &str = "activity cannot be read";

/// A timing, or, without an instant, how many conversations there were.
#[derive(Debug, FromRow)]
struct ActivityRow {
    is_now: i64,
    at: Option<i64>,
    first_byte_ms: Option<i64>,
    duration_ms: Option<i64>,
}

/// Both periods in one statement. Each branch is a scan of an index from its newest end, bounded.
fn statement(filter: &UsageFilter, before: &UsageFilter) -> Statement {
    let mut statement = Statement::new("");
    for (is_now, filter) in [(1_i64, filter), (0, before)] {
        if is_now == 0 {
            statement.push(" UNION ALL ", []);
        }
        push_timings(&mut statement, is_now, filter);
        statement.push(" UNION ALL ", []);
        push_conversations(&mut statement, is_now, filter);
    }
    statement
}

fn push_timings(statement: &mut Statement, is_now: i64, filter: &UsageFilter) {
    statement.push(
        "SELECT CAST(? AS BIGINT) AS is_now, t.at, t.first_byte_ms, t.duration_ms FROM (",
        [is_now.into()],
    );
    statement
        .push("SELECT u.at, u.first_byte_ms, u.duration_ms FROM usage u WHERE u.errors = 0", []);
    statement.equal("u.domain", filter.domain.as_deref());
    statement.equal("u.account_id", filter.account_id.as_deref());
    statement.between("u.at", filter.from, filter.to);
    statement.push(" ORDER BY u.at DESC LIMIT ?) t", [ActivitySample::MAX.into()]);
}

/// One that was active before and after a period counts for it.
fn push_conversations(statement: &mut Statement, is_now: i64, filter: &UsageFilter) {
    statement.push(
        "SELECT CAST(? AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), COUNT(*) ",
        [is_now.into()],
    );
    statement.push("FROM conversations c WHERE c.first_at IS NOT NULL", []);
    statement.equal("c.domain", filter.domain.as_deref());
    if let Some(account) = &filter.account_id {
        statement.push(
            " AND EXISTS (SELECT 1 FROM conversation_values v WHERE v.field = 'account' \
             AND v.conversation_id = c.conversation_id AND v.value = ?)",
            [account.as_str().into()],
        );
    }
    statement.between("c.last_at", filter.from, None);
    statement.between("c.first_at", None, filter.to);
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn activity(
        &self,
        filter: &UsageFilter,
        before: &UsageFilter,
    ) -> Result<Activity> {
        let statement = statement(filter, before);
        let rows: Vec<ActivityRow> = self.list(&statement, CANNOT).await?;
        let mut activity = Activity::default();
        for row in rows {
            let sample = if row.is_now == 1 { &mut activity.now } else { &mut activity.before };
            match row.at {
                None => sample.conversations = row.duration_ms.map_or(0, count),
                Some(at) => sample.timings.push(Timing {
                    at: instant(at)?,
                    first_token_ms: row.first_byte_ms.map(count),
                    duration_ms: row.duration_ms.map(count),
                }),
            }
        }
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
