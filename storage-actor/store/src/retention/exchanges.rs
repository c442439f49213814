//! Removes exchanges, step by step.

use std::collections::HashMap;

use async_trait::async_trait;
use duplicate::duplicate_item;
use jiff::Timestamp;
use nexus_contract::ExchangeId;
use sqlx::{Postgres, Sqlite};
use uuid::Uuid;

use super::{Older, Retention, STEP};
use crate::{
    engine::SqlStore,
    error::{Context, Result},
    exchanges::ExchangeRow,
    materialised::Change,
    sql,
    usage::UsageRow,
};

const COUNT: &str = "SELECT (SELECT count(*) FROM payloads WHERE at < $1), \
    (SELECT count(*) FROM exchanges WHERE at < $1), (SELECT count(*) FROM usage WHERE at < $1)";
const OLD_PAYLOADS: &str = "SELECT exchange_id FROM payloads WHERE at < $1 ORDER BY at LIMIT $2";
const OLD_ROWS: &str =
    "SELECT exchange_id FROM exchanges WHERE at < $1 ORDER BY at, exchange_id LIMIT $2";
const OF_CONVERSATION: &str = "SELECT exchange_id FROM exchanges WHERE conversation_id = $1 ORDER BY at, exchange_id LIMIT $2";
const DROP_ROWS: &str = "DELETE FROM exchanges WHERE exchange_id IN";
const DROP_USAGE: &str = "DELETE FROM usage WHERE exchange_id IN";

/// Why exchanges are removed.
enum Why {
    /// They began before that time, in microseconds since 1970.
    Age(i64),
    Erased,
}

/// Everything else that names a conversation. In this order: attempts go by their job.
const TRACES: [&str; 5] = [
    "DELETE FROM analysis_attempts WHERE job_id IN \
        (SELECT job_id FROM analyses WHERE conversation_id = $1)",
    "DELETE FROM analyses WHERE conversation_id = $1",
    "DELETE FROM analysis_audit WHERE conversation_id = $1",
    "DELETE FROM conversation_values WHERE conversation_id = $1",
    "DELETE FROM conversations WHERE conversation_id = $1",
];

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
#[async_trait]
impl Retention for SqlStore<Engine> {
    async fn count_older(&self, before: Timestamp) -> Result<Older> {
        let (payloads, rows, usage): (i64, i64, i64) = sql::query_as(COUNT)
            .bind(before.as_microsecond())
            .fetch_one(self.read())
            .await
            .context("old data cannot be counted")?;
        let [payloads, rows, usage] = [payloads, rows, usage].map(i64::unsigned_abs);
        Ok(Older { payloads, rows, usage })
    }

    async fn remove_payloads(&self, before: Timestamp) -> Result<u64> {
        let mut count = 0;
        loop {
            let ids = self.some(OLD_PAYLOADS, before.as_microsecond()).await?;
            if ids.is_empty() {
                return Ok(count);
            }
            let mut tx = self.begin().await?;
            count += Self::drop_payloads(&mut tx, &ids).await?;
            tx.commit().await.context("a removal of payloads cannot be committed")?;
            self.known.clear();
        }
    }

    async fn remove_rows(&self, before: Timestamp) -> Result<u64> {
        let mut count = 0;
        loop {
            let ids = self.some(OLD_ROWS, before.as_microsecond()).await?;
            if ids.is_empty() {
                return Ok(count);
            }
            self.drop_exchanges(&ids, Why::Age(before.as_microsecond())).await?;
            count += ids.len() as u64;
        }
    }

    async fn remove_usage(&self, before: Timestamp) -> Result<u64> {
        self.drop_usage(before.as_microsecond()).await
    }

    async fn erase_conversation(&self, conversation: ExchangeId) -> Result<u64> {
        let mut count = 0;
        loop {
            let ids = self.some(OF_CONVERSATION, conversation.0).await?;
            if ids.is_empty() {
                break;
            }
            self.drop_exchanges(&ids, Why::Erased).await?;
            count += ids.len() as u64;
        }
        let mut tx = self.begin().await?;
        for statement in TRACES {
            sql::query(statement)
                .bind(conversation.0)
                .execute(&mut *tx)
                .await
                .context("a conversation cannot be erased")?;
        }
        tx.commit().await.context("a conversation cannot be erased")?;
        Ok(count)
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    async fn some<K>(&self, statement: &'static str, key: K) -> Result<Vec<Uuid>>
    where
        K: Send + for<'q> sqlx::Encode<'q, Engine> + sqlx::Type<Engine> + sql::Parameter,
    {
        let query = sql::query_scalar(statement).bind(key).bind(STEP);
        query.fetch_all(&self.write).await.context(statement)
    }

    /// Removes exchanges and takes them out of the sums; what is erased also out of those of usage.
    async fn drop_exchanges(&self, ids: &[Uuid], why: Why) -> Result<()> {
        let with_usage = matches!(why, Why::Erased);
        let mut tx = self.begin().await?;
        // The rows first, as whoever stores one of them does, or the two would wait for each other.
        let rows = Self::locked(&mut tx, ids).await?;
        Self::drop_payloads(&mut tx, ids).await?;
        let pairs: Vec<_> = rows.iter().map(|row| (row, row)).collect();
        let usage: HashMap<_, UsageRow> =
            if with_usage { Self::read_usage(&mut tx, &pairs).await? } else { HashMap::new() };
        if with_usage {
            Self::execute_for(&mut tx, DROP_USAGE, ids).await?;
        }
        Self::execute_for(&mut tx, DROP_ROWS, ids).await?;
        Self::lock_links(&mut tx).await?;
        match why {
            Why::Erased => {
                Self::forget_links(&mut tx, ids).await?;
                Self::mark_erased(&mut tx, ids).await?;
            }
            Why::Age(before) => {
                let ended = Self::ended(&mut tx, &rows, before).await?;
                Self::forget_links(&mut tx, &ended).await?;
            }
        }
        let nothing = ExchangeRow::default();
        let changes: Vec<_> = rows
            .iter()
            .map(|old| Change {
                old,
                new: &nothing,
                old_usage: usage.get(&old.exchange_id),
                new_usage: None,
            })
            .collect();
        Self::materialise(&mut tx, &changes).await?;
        tx.commit().await.context("a removal of exchanges cannot be committed")?;
        self.known.clear();
        Ok(())
    }
}
