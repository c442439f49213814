//! Whether the store answers. The smallest module of the shape that all others have: a trait, and
//! one implementation for both engines.

use async_trait::async_trait;
use duplicate::duplicate_item;
use sqlx::{Postgres, Sqlite};

use crate::{
    dialect::Dialect,
    engine::SqlStore,
    error::{Context, Result},
    sql,
};

/// Whether the store can be read, and which engine it is.
#[async_trait]
pub trait Health: Send + Sync {
    /// `sqlite` or `postgres`.
    fn engine(&self) -> &'static str;

    /// Reads one value.
    async fn ping(&self) -> Result<()>;

    /// Closes the connections, once they are given back.
    async fn close(&self);
}

const PING: &str = "SELECT version FROM _sqlx_migrations ORDER BY version DESC LIMIT 1";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
#[async_trait]
impl Health for SqlStore<Engine> {
    fn engine(&self) -> &'static str {
        <Engine as Dialect>::NAME
    }

    async fn ping(&self) -> Result<()> {
        sql::query(PING).fetch_optional(self.read()).await.context("the store does not answer")?;
        Ok(())
    }

    async fn close(&self) {
        self.close_pools().await;
    }
}
