//! Sums over usage: from the buckets where they fit, from the rows at the edges.

use std::collections::BTreeMap;

use duplicate::duplicate_item;
use nexus_messages::{Cost, RequestType, Tokens};
use sqlx::{FromRow, Postgres, Sqlite};

use super::{
    conditions::Conditions,
    cover::{self, Stretch},
    row::{count, instant},
    statement::Statement,
    types::{GroupBy, Latency, LatencySample, UsageBucket, UsageFilter, UsageKey, UsageTotals},
};
use crate::{
    engine::SqlStore,
    error::{Result, StoreError},
};

const CANNOT: &str = "usage cannot be summed";

/// Sums over `usage_buckets u`. `SUM` of BIGINT is NUMERIC on PostgreSQL, hence the casts.
const OF_BUCKETS: &str = "\
    CAST(COALESCE(SUM(u.requests), 0) AS BIGINT) AS requests, \
    CAST(COALESCE(SUM(u.errors), 0) AS BIGINT) AS errors, \
    CAST(COALESCE(SUM(u.input_tokens), 0) AS BIGINT) AS input, \
    CAST(COALESCE(SUM(u.output_tokens), 0) AS BIGINT) AS output, \
    CAST(COALESCE(SUM(u.cache_read_tokens), 0) AS BIGINT) AS cache_read, \
    CAST(COALESCE(SUM(u.cache_creation_5m_tokens), 0) AS BIGINT) AS cache_creation_5m, \
    CAST(COALESCE(SUM(u.cache_creation_1h_tokens), 0) AS BIGINT) AS cache_creation_1h, \
    CAST(COALESCE(SUM(u.cost_nanos), 0) AS BIGINT) AS cost_nanos, \
    CAST(COALESCE(SUM(u.unpriced), 0) AS BIGINT) AS unpriced, \
    CAST(COALESCE(SUM(u.duration_ms), 0) AS BIGINT) AS duration_ms, \
    CAST(COALESCE(SUM(u.tool_calls), 0) AS BIGINT) AS tool_calls";

/// The same over `usage u`.
const OF_ROWS: &str = "\
    COUNT(*) AS requests, \
    CAST(COALESCE(SUM(u.errors), 0) AS BIGINT) AS errors, \
    CAST(COALESCE(SUM(u.input_tokens), 0) AS BIGINT) AS input, \
    CAST(COALESCE(SUM(u.output_tokens), 0) AS BIGINT) AS output, \
    CAST(COALESCE(SUM(u.cache_read_tokens), 0) AS BIGINT) AS cache_read, \
    CAST(COALESCE(SUM(u.cache_creation_5m_tokens), 0) AS BIGINT) AS cache_creation_5m, \
    CAST(COALESCE(SUM(u.cache_creation_1h_tokens), 0) AS BIGINT) AS cache_creation_1h, \
    CAST(COALESCE(SUM(u.cost_nanos), 0) AS BIGINT) AS cost_nanos, \
    COUNT(*) FILTER (WHERE u.cost_nanos IS NULL AND u.input_tokens + u.output_tokens > 0) AS unpriced, \
    CAST(COALESCE(SUM(u.duration_ms), 0) AS BIGINT) AS duration_ms, \
    CAST(COALESCE(SUM(u.tool_calls), 0) AS BIGINT) AS tool_calls";

#[derive(Debug, FromRow)]
struct SumRow {
    requests: i64,
    errors: i64,
    input: i64,
    output: i64,
    cache_read: i64,
    cache_creation_5m: i64,
    cache_creation_1h: i64,
    cost_nanos: i64,
    unpriced: i64,
    duration_ms: i64,
    tool_calls: i64,
}

impl SumRow {
    fn totals(&self) -> UsageTotals {
        UsageTotals {
            requests: count(self.requests),
            errors: count(self.errors),
            tokens: Tokens {
                input: count(self.input),
                output: count(self.output),
                cache_read: count(self.cache_read),
                cache_creation_5m: count(self.cache_creation_5m),
                cache_creation_1h: count(self.cache_creation_1h),
            },
            cost: Cost(self.cost_nanos),
            unpriced: count(self.unpriced),
            duration_ms: count(self.duration_ms),
            tool_calls: count(self.tool_calls),
        }
    }
}

#[derive(Debug, FromRow)]
struct KeyRow {
    domain: Option<String>,
    account_id: Option<String>,
    model: Option<String>,
    request_type: Option<String>,
}

impl KeyRow {
    fn key(self) -> Result<UsageKey> {
        // The tables write "not known" as an empty text.
        let known = |text: Option<String>| text.filter(|text| !text.is_empty());
        let request_type = known(self.request_type).map(|name| {
            RequestType::parse(&name)
                .ok_or_else(|| StoreError::Corrupt(format!("usage.request_type is {name:?}")))
        });
        Ok(UsageKey {
            domain: known(self.domain),
            account_id: known(self.account_id),
            model: known(self.model),
            request_type: request_type.transpose()?,
        })
    }
}

#[derive(Debug, FromRow)]
struct GroupRow {
    #[sqlx(flatten)]
    key: KeyRow,
    #[sqlx(flatten)]
    sums: SumRow,
}

#[derive(Debug, FromRow)]
struct BucketRow {
    bucket: i64,
    #[sqlx(flatten)]
    key: KeyRow,
    #[sqlx(flatten)]
    sums: SumRow,
}

impl BucketRow {
    fn bucket(self) -> Result<UsageBucket> {
        let totals = self.sums.totals();
        Ok(UsageBucket { start: instant(self.bucket)?, totals, key: self.key.key()? })
    }
}

fn conditions(statement: &mut Statement, filter: &UsageFilter) {
    statement.equal("u.domain", filter.domain.as_deref());
    statement.equal("u.account_id", filter.account_id.as_deref());
    statement.equal("u.model", filter.model.as_deref());
    statement.equal("u.request_type", filter.request_type.map(RequestType::as_str));
}

fn sum_of_buckets(filter: &UsageFilter, group: GroupBy, stretches: &[Stretch]) -> Statement {
    let mut statement = Statement::new("SELECT ");
    push_keys(&mut statement, group);
    statement.push(OF_BUCKETS, []).push(" FROM usage_buckets u WHERE (", []);
    for (index, stretch) in stretches.iter().enumerate() {
        statement.push(or(index), []).push(
            "u.width_minutes = ? AND u.start >= ? AND u.start < ?",
            [stretch.width_minutes.into(), stretch.from.into(), stretch.to.into()],
        );
    }
    statement.push(")", []);
    conditions(&mut statement, filter);
    statement.push(BY_KEYS, []);
    statement
}

fn sum_of_rows(filter: &UsageFilter, group: GroupBy, edges: &[(i64, i64)]) -> Statement {
    let mut statement = Statement::new("SELECT ");
    push_keys(&mut statement, group);
    statement.push(OF_ROWS, []).push(" FROM usage u WHERE (", []);
    for (index, (from, to)) in edges.iter().enumerate() {
        let edge = [(*from).into(), (*to).into()];
        statement.push(or(index), []).push("u.at >= ? AND u.at < ?", edge);
    }
    statement.push(")", []);
    conditions(&mut statement, filter);
    statement.push(BY_KEYS, []);
    statement
}

/// Between the parts of the time. One that no index serves, `1 = 0` say, would make SQLite read the
/// whole table.
const fn or(index: usize) -> &'static str {
    if index == 0 { "" } else { " OR " }
}

/// After [`push_keys`] at the beginning.
const BY_KEYS: &str = " GROUP BY 1, 2, 3, 4";

fn buckets(filter: &UsageFilter, width_minutes: u32, group: GroupBy) -> Statement {
    let width = i64::from(width_minutes.max(1)) * cover::MINUTE;
    let source = cover::widest(width_minutes);
    // The width stands in the text: PostgreSQL would not see that two placeholders are one value.
    let mut statement =
        Statement::new(&format!("SELECT (u.start / {width}) * {width} AS bucket, "));
    push_keys(&mut statement, group);
    statement.push(OF_BUCKETS, []);
    statement.push(" FROM usage_buckets u WHERE u.width_minutes = ?", [source.into()]);
    statement.between("u.start", filter.from, filter.to);
    conditions(&mut statement, filter);
    statement.push(" GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5", []);
    statement
}

fn push_keys(statement: &mut Statement, group: GroupBy) {
    let keys = [
        ("domain", group.domain),
        ("account_id", group.account),
        ("model", group.model),
        ("request_type", group.request_type),
    ];
    for (column, is_told_apart) in keys {
        let value = if is_told_apart { format!("u.{column}") } else { "CAST(NULL AS TEXT)".into() };
        statement.push(&format!("{value} AS {column}, "), []);
    }
}

fn latencies(filter: &UsageFilter) -> Statement {
    let mut statement =
        Statement::new("SELECT u.first_byte_ms, u.duration_ms FROM usage u WHERE u.errors = 0");
    conditions(&mut statement, filter);
    statement.between("u.at", filter.from, filter.to);
    statement.push(" ORDER BY u.at DESC LIMIT ?", [LatencySample::MAX.into()]);
    statement
}

/// The value below which the share `percent` of the sorted values lies (nearest rank).
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

fn latency(values: impl Iterator<Item = Option<i64>>) -> Latency {
    let mut sorted: Vec<_> = values.flatten().map(count).collect();
    sorted.sort_unstable();
    Latency { p50_ms: percentile(&sorted, 50), p95_ms: percentile(&sorted, 95) }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn usage_sums(
        &self,
        filter: &UsageFilter,
        group: GroupBy,
    ) -> Result<BTreeMap<UsageKey, UsageTotals>> {
        let cover = cover::of(filter.from, filter.to);
        let mut rows: Vec<GroupRow> = Vec::new();
        if !cover.stretches.is_empty() {
            let statement = sum_of_buckets(filter, group, &cover.stretches);
            rows.append(&mut self.list(&statement, CANNOT).await?);
        }
        if !cover.edges.is_empty() {
            let statement = sum_of_rows(filter, group, &cover.edges);
            rows.append(&mut self.list(&statement, CANNOT).await?);
        }
        let mut sums: BTreeMap<UsageKey, UsageTotals> = BTreeMap::new();
        for row in rows {
            *sums.entry(row.key.key()?).or_default() += row.sums.totals();
        }
        Ok(sums)
    }

    pub(super) async fn usage_buckets(
        &self,
        filter: &UsageFilter,
        width_minutes: u32,
        group: GroupBy,
    ) -> Result<Vec<UsageBucket>> {
        let statement = buckets(filter, width_minutes, group);
        let rows: Vec<BucketRow> = self.list(&statement, CANNOT).await?;
        rows.into_iter().map(BucketRow::bucket).collect()
    }

    pub(super) async fn latency_sample(&self, filter: &UsageFilter) -> Result<LatencySample> {
        let rows: Vec<(Option<i64>, Option<i64>)> = self.list(&latencies(filter), CANNOT).await?;
        Ok(LatencySample {
            size: rows.len() as u64,
            first_token: latency(rows.iter().map(|row| row.0)),
            duration: latency(rows.iter().map(|row| row.1)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<u64> = (1..=20).collect();
        assert_eq!((percentile(&values, 50), percentile(&values, 95)), (Some(10), Some(19)));
        assert_eq!((percentile(&[7], 50), percentile(&[], 50)), (Some(7), None));
    }
}
