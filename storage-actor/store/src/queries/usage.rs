//! Sums over usage: from the buckets where they fit, from the rows at the edges.

use std::collections::BTreeMap;

use duplicate::duplicate_item;
use jiff::Timestamp;
use nexus_messages::{Cost, RequestType, Tokens};
use sqlx::{FromRow, Postgres, Sqlite};

use super::{
    conditions::Conditions,
    cover::{self, Cover, Run, Stretch},
    row::{count, instant},
    statement::Statement,
    types::{GroupBy, UsageBucket, UsageFilter, UsageKey, UsageTotals},
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

/// The sums of all parts of the time, each part's by itself.
fn sums(filter: &UsageFilter, group: GroupBy, cover: &Cover) -> Option<Statement> {
    let mut statement = Statement::new("");
    if !cover.stretches.is_empty() {
        push_buckets(&mut statement, filter, group, &cover.stretches);
    }
    if !cover.edges.is_empty() {
        if !cover.stretches.is_empty() {
            statement.push(" UNION ALL ", []);
        }
        push_rows(&mut statement, filter, group, &cover.edges);
    }
    (*cover != Cover::default()).then_some(statement)
}

fn push_buckets(
    statement: &mut Statement,
    filter: &UsageFilter,
    group: GroupBy,
    stretches: &[Stretch],
) {
    statement.push("SELECT ", []);
    push_keys(statement, group);
    statement.push(OF_BUCKETS, []).push(" FROM usage_buckets u WHERE (", []);
    for (index, stretch) in stretches.iter().enumerate() {
        statement.push(or(index), []).push(
            "u.width_minutes = ? AND u.start >= ? AND u.start < ?",
            [stretch.width_minutes.into(), stretch.from.into(), stretch.to.into()],
        );
    }
    statement.push(")", []);
    conditions(statement, filter);
    statement.push(BY_KEYS, []);
}

fn push_rows(
    statement: &mut Statement,
    filter: &UsageFilter,
    group: GroupBy,
    edges: &[(i64, i64)],
) {
    statement.push("SELECT ", []);
    push_keys(statement, group);
    statement.push(OF_ROWS, []).push(" FROM usage u WHERE (", []);
    for (index, (from, to)) in edges.iter().enumerate() {
        let edge = [(*from).into(), (*to).into()];
        statement.push(or(index), []).push("u.at >= ? AND u.at < ?", edge);
    }
    statement.push(")", []);
    conditions(statement, filter);
    statement.push(BY_KEYS, []);
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

/// The sums of all stretches between the edges; `None` when there are none.
fn between(filter: &UsageFilter, edges: &[Timestamp], group: GroupBy) -> Option<Statement> {
    let source = cover::widest_between(edges);
    let runs = cover::runs(edges);
    let mut statement = Statement::new("");
    for (index, run) in runs.iter().enumerate() {
        statement.push(if index == 0 { "" } else { " UNION ALL " }, []);
        push_run(&mut statement, filter, group, source, *run);
    }
    (!runs.is_empty()).then_some(statement)
}

fn push_run(
    statement: &mut Statement,
    filter: &UsageFilter,
    group: GroupBy,
    source: i64,
    run: Run,
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
        [source.into(), from.into(), to.into()],
    );
    conditions(statement, filter);
    statement.push(" GROUP BY 1, 2, 3, 4, 5", []);
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

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn usage_sums(
        &self,
        filter: &UsageFilter,
        group: GroupBy,
    ) -> Result<BTreeMap<UsageKey, UsageTotals>> {
        let cover = cover::of(filter.from, filter.to);
        let Some(statement) = sums(filter, group, &cover) else { return Ok(BTreeMap::new()) };
        let rows: Vec<GroupRow> = self.list(&statement, CANNOT).await?;
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

    pub(super) async fn usage_between(
        &self,
        filter: &UsageFilter,
        edges: &[Timestamp],
        group: GroupBy,
    ) -> Result<Vec<UsageBucket>> {
        let Some(statement) = between(filter, edges, group) else { return Ok(Vec::new()) };
        let rows: Vec<BucketRow> = self.list(&statement, CANNOT).await?;
        let buckets = rows.into_iter().map(BucketRow::bucket);
        let mut buckets: Vec<_> = buckets.collect::<Result<_>>()?;
        buckets.sort_by(|a, b| (a.start, &a.key).cmp(&(b.start, &b.key)));
        Ok(buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_every_zone_are_the_same_statement() {
        let days = |midnights: [&str; 3]| {
            let edges = midnights.map(|at| at.parse::<Timestamp>().expect("an instant"));
            let statement = between(&UsageFilter::default(), &edges, GroupBy::default());
            statement.expect("days").sql
        };
        let in_london = ["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"];
        let in_delhi = ["2026-11-06T18:30:00Z", "2026-11-07T18:30:00Z", "2026-11-08T18:30:00Z"];
        assert_eq!(days(in_london), days(in_delhi));
    }
}
