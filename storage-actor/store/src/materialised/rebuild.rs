//! Counts everything anew, from the rows.

use async_trait::async_trait;
use duplicate::duplicate_item;
use sqlx::{AssertSqlSafe, Postgres, Sqlite};
use uuid::Uuid;

use super::write::Change;
use crate::{
    dialect::Dialect,
    engine::SqlStore,
    error::{Context, Result},
    exchanges::ExchangeRow,
    sql, table,
    usage::UsageRow,
};

/// Rows taken at once.
const STEP: i64 = 2_000;

/// What is summed up.
#[async_trait]
pub trait Materialised: Send + Sync {
    /// Empties all sums and makes them of the rows again, in one transaction. Readers see the old
    /// ones until it is done; writers wait. Gives the number of exchanges.
    async fn rebuild(&self) -> Result<u64>;
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
#[async_trait]
impl Materialised for SqlStore<Engine> {
    async fn rebuild(&self) -> Result<u64> {
        let mut tx = self.begin().await?;
        // The engine keeps the last in line with the one before, if it was.
        let tables = ["conversations", "conversation_values", "usage_buckets", "account_buckets"];
        // The second lock is for who writes no exchange: a removal of usage, or costs of what is gone.
        let locks = [<Engine as Dialect>::LOCK_EXCHANGES, <Engine as Dialect>::LOCK_BUCKETS];
        let locks = locks.into_iter().filter(|lock| !lock.is_empty()).map(str::to_owned);
        let deletes = tables.map(|table| format!("DELETE FROM {table}"));
        let statements: Vec<_> = locks.chain(deletes).collect();
        Self::execute_all(&mut tx, &statements).await?;
        let exchanges = self.rebuild_conversations(&mut tx).await?;
        self.rebuild_buckets(&mut tx).await?;
        tx.commit().await.context("the sums cannot be committed")?;
        Ok(exchanges)
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    async fn rebuild_conversations(
        &self,
        connection: &mut <Engine as sqlx::Database>::Connection,
    ) -> Result<u64> {
        let page = table::select("exchanges", ExchangeRow::COLUMNS)
            + "exchange_id > $1 ORDER BY exchange_id LIMIT $2";
        let nothing = ExchangeRow::default();
        let (mut last, mut count) = (Uuid::nil(), 0);
        loop {
            let rows: Vec<ExchangeRow> = sql::query_as(AssertSqlSafe(page.as_str()))
                .bind(last)
                .bind(STEP)
                .fetch_all(&mut *connection)
                .await
                .context("exchanges cannot be read")?;
            let Some(end) = rows.last() else { return Ok(count) };
            last = end.exchange_id;
            count += rows.len() as u64;
            let change = |new| Change { old: &nothing, new, old_usage: None, new_usage: None };
            Self::materialise(connection, &rows.iter().map(change).collect::<Vec<_>>()).await?;
        }
    }

    async fn rebuild_buckets(
        &self,
        connection: &mut <Engine as sqlx::Database>::Connection,
    ) -> Result<()> {
        let page = table::select("usage", UsageRow::COLUMNS)
            + "(at, exchange_id) > ($1, $2) ORDER BY at, exchange_id LIMIT $3";
        let nothing = ExchangeRow::default();
        let mut last = (i64::MIN, Uuid::nil());
        loop {
            let rows: Vec<UsageRow> = sql::query_as(AssertSqlSafe(page.as_str()))
                .bind(last.0)
                .bind(last.1)
                .bind(STEP)
                .fetch_all(&mut *connection)
                .await
                .context("usage cannot be read")?;
            let Some(end) = rows.last() else { return Ok(()) };
            last = (end.at, end.exchange_id);
            let change = |row| Change {
                old: &nothing,
                new: &nothing,
                old_usage: None,
                new_usage: Some(row),
            };
            Self::materialise(connection, &rows.iter().map(change).collect::<Vec<_>>()).await?;
        }
    }
}
