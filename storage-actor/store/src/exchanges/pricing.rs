//! Costs anew, when prices have changed.

use std::collections::HashMap;

use async_trait::async_trait;
use duplicate::duplicate_item;
use jiff::Timestamp;
use nexus_messages::{PriceTable, Usage};
use sqlx::{Database, Postgres, Sqlite};
use uuid::Uuid;

use super::row::ExchangeRow;
use crate::{
    bulk,
    dialect::Dialect,
    engine::SqlStore,
    error::{Context, Result},
    materialised::Change,
    sql, table,
    usage::UsageRow,
};

/// Rows looked at together; those that change are one transaction.
const STEP: i64 = 500;

/// Costs and the prices that they are by.
#[async_trait]
pub trait Pricing: Send + Sync {
    /// [`PriceTable::version`] of the prices that all costs were last computed by.
    async fn find_price_version(&self) -> Result<Option<String>>;

    /// Notes that all costs are by these prices.
    async fn put_price_version(&self, version: &str) -> Result<()>;

    /// Computes the costs of some exchanges behind `after`, in the order of time, by `prices`, and with
    /// them the sums. Whatever has usage is looked at; several may do so at once.
    async fn reprice_some(
        &self,
        prices: &PriceTable,
        after: Option<RepricedTo>,
    ) -> Result<(Repriced, Option<RepricedTo>)>;
}

/// How far costs are computed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepricedTo {
    at: i64,
    id: Uuid,
}

/// What came of new prices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Repriced {
    /// Exchanges that were looked at.
    pub exchanges: u64,
    /// Those of them that cost something else now.
    pub changed: u64,
}

const FIND_VERSION: &str = "SELECT value FROM store_facts WHERE name = 'prices'";
const PUT_VERSION: &str = "INSERT INTO store_facts (name, value) VALUES ('prices', $1) \
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const PAGE: &str = "SELECT u.exchange_id, u.at, u.model, u.raw, u.cost_nanos, e.answer_model \
    FROM usage u LEFT JOIN exchanges e ON e.exchange_id = u.exchange_id \
    WHERE (u.at, u.exchange_id) > ($1, $2) ORDER BY u.at, u.exchange_id LIMIT $3";

/// What a cost is computed of.
#[derive(Debug, sqlx::FromRow)]
struct Costed {
    exchange_id: Uuid,
    at: i64,
    model: String,
    raw: Option<String>,
    cost_nanos: Option<i64>,
    /// Prices go by it; the exchange may be gone.
    answer_model: Option<String>,
}

impl Costed {
    fn is_changed(&self, prices: &PriceTable) -> bool {
        let model = self.answer_model.as_deref().unwrap_or(&self.model);
        cost(prices, model, self.raw.as_deref(), self.at) != self.cost_nanos
    }
}

fn cost(prices: &PriceTable, model: &str, raw: Option<&str>, at: i64) -> Option<i64> {
    let at = Timestamp::from_microsecond(at).ok()?;
    prices.cost(model, &Usage::from_json(raw?), at).map(|cost| cost.0)
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
#[async_trait]
impl Pricing for SqlStore<Engine> {
    async fn find_price_version(&self) -> Result<Option<String>> {
        sql::query_scalar(FIND_VERSION).fetch_optional(self.read()).await.context(FIND_VERSION)
    }

    async fn put_price_version(&self, version: &str) -> Result<()> {
        let query = sql::query(PUT_VERSION).bind(version);
        query.execute(&self.write).await.context(PUT_VERSION)?;
        Ok(())
    }

    async fn reprice_some(
        &self,
        prices: &PriceTable,
        after: Option<RepricedTo>,
    ) -> Result<(Repriced, Option<RepricedTo>)> {
        let page: Vec<Costed> = sql::query_as(PAGE)
            .bind(after.map_or(i64::MIN, |after| after.at))
            .bind(after.map_or(Uuid::nil(), |after| after.id))
            .bind(STEP)
            .fetch_all(self.read())
            .await
            .context(PAGE)?;
        let changed: Vec<_> = page.iter().filter(|row| row.is_changed(prices)).collect();
        let changed = if changed.is_empty() { 0 } else { self.put_costs(&changed, prices).await? };
        let end = page.last().map(|row| RepricedTo { at: row.at, id: row.exchange_id });
        Ok((Repriced { exchanges: page.len() as u64, changed }, end))
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// Gives how many really cost something else: another writer may have been quicker.
    async fn put_costs(&self, rows: &[&Costed], prices: &PriceTable) -> Result<u64> {
        let mut tx = self.begin().await?;
        let ids: Vec<_> = rows.iter().map(|row| row.exchange_id).collect();
        // Exchanges first, as every writer locks them.
        let exchanges = Self::locked(&mut tx, &ids).await?;
        let old: HashMap<_, _> = exchanges.iter().map(|row| (row.exchange_id, row)).collect();
        let usage = Self::locked_usage(&mut tx, rows).await?;
        let mut new = Vec::new();
        for before in &usage {
            let exchange = old.get(&before.exchange_id).copied();
            let model = exchange.and_then(|row| row.answer_model.as_deref());
            let cost_nanos =
                cost(prices, model.unwrap_or(&before.model), before.raw.as_deref(), before.at);
            if cost_nanos != before.cost_nanos {
                let row = exchange.map(|row| ExchangeRow { cost_nanos, ..row.clone() });
                new.push((before, row, UsageRow { cost_nanos, ..before.clone() }));
            }
        }
        let rows = new.iter().filter_map(|(_, row, _)| row.as_ref());
        let pairs = rows.filter_map(|row| Some((old.get(&row.exchange_id).copied()?, row)));
        let changed: Vec<_> = pairs.filter(|(before, after)| before != after).collect();
        Self::write_rows(&mut tx, &changed).await?;
        let after = new.iter().map(|(_, _, usage)| (usage.exchange_id, usage.clone())).collect();
        Self::write_usage(&mut tx, &HashMap::new(), &after).await?;
        let nothing = ExchangeRow::default();
        let changes: Vec<_> = new
            .iter()
            .map(|(before, row, after)| Change {
                old: old.get(&before.exchange_id).copied().unwrap_or(&nothing),
                new: row.as_ref().unwrap_or(&nothing),
                old_usage: Some(before),
                new_usage: Some(after),
            })
            .collect();
        Self::materialise(&mut tx, &changes).await?;
        tx.commit().await.context("costs cannot be committed")?;
        Ok(new.len() as u64)
    }

    async fn locked_usage(
        connection: &mut <Engine as Database>::Connection,
        rows: &[&Costed],
    ) -> Result<Vec<UsageRow>> {
        // Bounds in time keep PostgreSQL from looking into every month; the rows are in its order.
        let (first, last) =
            (rows.first().map_or(0, |row| row.at), rows.last().map_or(0, |row| row.at));
        let head = table::select("usage", UsageRow::COLUMNS) + "exchange_id IN";
        let tail = format!(
            " AND at BETWEEN {first} AND {last} ORDER BY exchange_id{}",
            <Engine as Dialect>::FOR_UPDATE
        );
        let ids: Vec<_> = rows.iter().map(|row| row.exchange_id).collect();
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(bulk::KEYS) {
            let mut query = bulk::in_list::<Engine, _>(&head, some, &tail);
            let query = query.build_query_as::<UsageRow>().persistent(false);
            found
                .extend(query.fetch_all(&mut *connection).await.context("usage cannot be locked")?);
        }
        Ok(found)
    }
}
