//! Removes usage. On PostgreSQL whole months go at once.

use duplicate::duplicate_item;
use sqlx::{AssertSqlSafe, Postgres, Sqlite};

use crate::{
    engine::SqlStore,
    error::{Context, Result},
    sql,
};

const ROWS: &str = "DELETE FROM usage WHERE at < $1";
const BUCKETS: &str = "DELETE FROM usage_buckets WHERE start + width_minutes * 60000000 <= $1";
/// Partitions that lie before an instant as a whole, with the instant at which each ends.
const MONTHS: &str = "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
    WHERE i.inhparent = 'usage'::regclass AND c.relname ~ '^usage_[0-9]{4}_[0-9]{2}$' \
    AND CAST(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''?(-?[0-9]+)') AS BIGINT) <= $1";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn drop_usage(&self, before: i64) -> Result<u64> {
        let months = self.drop_months(before).await?;
        let mut tx = self.begin().await?;
        let rows = sql::query(ROWS).bind(before).execute(&mut *tx).await.context(ROWS)?;
        Self::lock_buckets(&mut tx).await?;
        sql::query(BUCKETS).bind(before).execute(&mut *tx).await.context(BUCKETS)?;
        tx.commit().await.context("a removal of usage cannot be committed")?;
        Ok(months + rows.rows_affected())
    }
}

impl SqlStore<Sqlite> {
    #[expect(clippy::unused_async, reason = "PostgreSQL's has something to wait for")]
    async fn drop_months(&self, _before: i64) -> Result<u64> {
        Ok(0)
    }
}

impl SqlStore<Postgres> {
    async fn drop_months(&self, before: i64) -> Result<u64> {
        let months: Vec<String> =
            sql::query_scalar(MONTHS).bind(before).fetch_all(&self.write).await.context(MONTHS)?;
        let mut count = 0;
        for month in months {
            let mut tx = self.begin().await?;
            let rows = AssertSqlSafe(format!("SELECT count(*) FROM {month}"));
            let rows: i64 = sql::query_scalar(rows).fetch_one(&mut *tx).await.context(MONTHS)?;
            let statement = AssertSqlSafe(format!("DROP TABLE {month}"));
            sql::query(statement).execute(&mut *tx).await.context("a month cannot be dropped")?;
            tx.commit().await.context("a month cannot be dropped")?;
            count += rows.unsigned_abs();
            self.known.clear();
        }
        Ok(count)
    }
}
