//! Sums over usage: from the buckets where they fit, from the rows at the edges.

use std::collections::BTreeMap;

use duplicate::duplicate_item;
use nexus_messages::{Cost, RequestType, Tokens};
use sqlx::{FromRow, Postgres, Sqlite};

use super::{
    conditions::Conditions,
    cover::{self, Cover, Stretch},
    row::count,
    statement::Statement,
    types::{GroupBy, UsageFilter, UsageKey, UsageTotals},
};
use crate::{
    engine::SqlStore,
    error::{Result, StoreError},
};

pub(super) const CANNOT: &str = "usage cannot be summed";

/// Sums over stretches `u`. `SUM` of BIGINT is NUMERIC on PostgreSQL, hence the casts.
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
pub(super) struct SumRow {
    pub(super) requests: i64,
    pub(super) errors: i64,
    pub(super) input: i64,
    pub(super) output: i64,
    pub(super) cache_read: i64,
    pub(super) cache_creation_5m: i64,
    pub(super) cache_creation_1h: i64,
    pub(super) cost_nanos: i64,
    pub(super) unpriced: i64,
    pub(super) duration_ms: i64,
    pub(super) tool_calls: i64,
}

impl SumRow {
    pub(super) fn totals(&self) -> UsageTotals {
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
pub(super) struct KeyRow {
    domain: Option<String>,
    account_id: Option<String>,
    model: Option<String>,
    request_type: Option<String>,
}

impl KeyRow {
    pub(super) fn key(self) -> Result<UsageKey> {
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

pub(super) fn conditions(statement: &mut Statement, filter: &UsageFilter) {
    statement.equal("u.domain", filter.domain.as_deref());
    statement.equal("u.account_id", filter.account_id.as_deref());
    statement.equal("u.model", filter.model.as_deref());
    statement.equal("u.request_type", filter.request_type.map(RequestType::as_str));
}

/// The smallest table of stretches that knows what the group tells apart and the filter asks for.
pub(super) fn table(filter: &UsageFilter, group: GroupBy) -> &'static str {
    let is_grouped = group.domain || group.model || group.request_type;
    let UsageFilter { domain, model, request_type, .. } = filter;
    let is_filtered = domain.is_some() || model.is_some() || request_type.is_some();
    if is_grouped || is_filtered { "usage_buckets" } else { "account_buckets" }
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
    let from = format!(" FROM {} u WHERE (", table(filter, group));
    statement.push(OF_BUCKETS, []).push(&from, []);
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

pub(super) fn push_keys(statement: &mut Statement, group: GroupBy) {
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
}
