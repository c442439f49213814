//! Opens an engine by its URL and hands out its connections.
//!
//! [`SqlStore`] is the one type behind every trait of the store. It holds two pools: one that writes,
//! one that can only read. Each module implements its trait on it once for both engines, with
//! `#[duplicate_item(Engine; [Sqlite]; [Postgres])]`; see [`health`](crate::health) for the smallest.

mod migrate;
mod postgres;
mod sqlite;

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use sqlx::{Pool, Postgres, Sqlite, Transaction};

use crate::{
    Store,
    bodies::KnownContent,
    dialect::Dialect,
    error::{Context, Result, StoreError},
    ids::IdBlock,
};

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// `sqlite://PATH` or `postgres://…`.
    pub url: String,
    /// Connections for reading. PostgreSQL opens half as many, at least 2, for writing; SQLite one.
    pub max_readers: u32,
    /// How long a read may run before the engine breaks it off (PostgreSQL).
    pub read_timeout: Duration,
    /// How long a writing statement may run, and how long it may wait for a lock. A migration
    /// takes as long as it takes.
    pub write_timeout: Duration,
    /// How long a caller waits for a free connection.
    pub acquire_timeout: Duration,
    /// Statements that take longer are logged as warnings.
    pub slow_statement: Duration,
    /// Bring the schema up to date when opening. Without it, a schema that isn't is refused.
    pub migrate: bool,
    /// Never write: the pool for writing is the read-only one (the dashboard's role).
    pub read_only: bool,
}

impl StoreConfig {
    /// The defaults for `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_readers: 8,
            read_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_mins(1),
            acquire_timeout: Duration::from_secs(30),
            slow_statement: Duration::from_secs(5),
            migrate: true,
            read_only: false,
        }
    }
}

/// One opened engine.
#[derive(Debug)]
pub struct SqlStore<DB: Dialect> {
    pub(crate) write: Pool<DB>,
    read: Pool<DB>,
    pub(crate) ids: Arc<IdBlock>,
    pub(crate) known: Arc<KnownContent>,
    /// The stretch of documents that was the newest when searched words were last counted.
    pub(crate) stretch: Arc<AtomicI64>,
}

impl<DB: Dialect> Clone for SqlStore<DB> {
    fn clone(&self) -> Self {
        Self {
            write: self.write.clone(),
            read: self.read.clone(),
            ids: self.ids.clone(),
            known: self.known.clone(),
            stretch: self.stretch.clone(),
        }
    }
}

impl<DB: Dialect> SqlStore<DB> {
    fn new(write: Pool<DB>, read: Pool<DB>) -> Self {
        Self { write, read, ids: Arc::default(), known: Arc::default(), stretch: Arc::default() }
    }

    /// Connections that cannot write. Statements on PostgreSQL are broken off after
    /// [`StoreConfig::read_timeout`].
    pub fn read(&self) -> &Pool<DB> {
        &self.read
    }

    /// Begins a transaction that writes.
    ///
    /// Not cancel-safe on PostgreSQL (sqlx 0.9): never put it under a `select!` or a time-out; the
    /// pool's own time-outs bound it.
    pub async fn begin(&self) -> Result<Transaction<'static, DB>> {
        self.write.begin_with(DB::BEGIN_WRITE).await.context("a transaction cannot begin")
    }

    /// Waits for the connections to be given back and closes them.
    pub async fn close_pools(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// Opens the store that `config` names, with its schema up to date.
pub async fn open(config: &StoreConfig) -> Result<Arc<dyn Store>> {
    match config.url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Arc::new(SqlStore::<Sqlite>::open(config).await?)),
        Some("postgres" | "postgresql") => Ok(Arc::new(SqlStore::<Postgres>::open(config).await?)),
        _ => Err(StoreError::Url(without_password(&config.url))),
    }
}

/// `url` fit for a message.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split_once(':').map_or(user, |(name, _)| name);
            format!("{scheme}://{user}@{host}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_stays_out_of_messages() {
        let shown = without_password("postgres://nexus:s@cr:et@db.example/nexus");
        assert_eq!(shown, "postgres://nexus@db.example/nexus");
        assert_eq!(without_password("sqlite:///data/nexus.db"), "sqlite:///data/nexus.db");
    }

    #[tokio::test]
    async fn an_unknown_scheme_is_refused_with_what_to_use() {
        let error = open(&StoreConfig::new("mysql://u:pw@h/d")).await.err().expect("refused");
        let text = error.to_string();
        assert!(text.contains("sqlite://PATH") && !text.contains("pw"), "{text}");
    }
}
