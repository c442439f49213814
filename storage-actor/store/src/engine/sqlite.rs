//! The embedded engine: one file, one writer, write-ahead log, synced at every commit.

use std::{path::PathBuf, str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Sqlite,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tracing::log::LevelFilter;

use super::{SqlStore, StoreConfig, migrate};
use crate::error::{Context, Result, StoreError};

/// Page caches of the writer and of each reader, in KiB (SQLite takes them as negative numbers). What a
/// reader misses there is mostly in the system's cache.
const WRITER_CACHE: &str = "-16384";
const READER_CACHE: &str = "-4096";

impl SqlStore<Sqlite> {
    pub(super) async fn open(config: &StoreConfig) -> Result<Self> {
        let options = options(config)?;
        let path: PathBuf = options.get_filename().into();
        if let (Some(folder), false) = (path.parent(), config.read_only) {
            std::fs::create_dir_all(folder)?;
        }
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(config.acquire_timeout)
            .connect_with(
                options.clone().pragma("cache_size", WRITER_CACHE).read_only(config.read_only),
            )
            .await
            .context("the SQLite file cannot be opened")?;
        migrate::sqlite(&write, &path, config.migrate && !config.read_only).await?;
        let read = SqlitePoolOptions::new()
            .max_connections(config.max_readers.max(1))
            .acquire_timeout(config.acquire_timeout)
            .connect_with(
                options.pragma("cache_size", READER_CACHE).create_if_missing(false).read_only(true),
            )
            .await
            .context("the SQLite file cannot be opened for reading")?;
        Ok(Self::new(write, read))
    }
}

fn options(config: &StoreConfig) -> Result<SqliteConnectOptions> {
    let options = SqliteConnectOptions::from_str(&config.url)
        .map_err(|error| StoreError::Url(format!("{}: {error}", config.url)))?;
    let options = options
        .create_if_missing(!config.read_only)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // Another process (`nexus import`, `nexus prune`) may hold the write lock for a while.
        .busy_timeout(config.write_timeout.min(Duration::from_secs(30)))
        .statement_cache_capacity(256)
        .pragma("temp_store", "memory")
        // A page that every batch changes is written back once for many of them. 16 MB of log.
        .pragma("wal_autocheckpoint", "4000")
        .log_statements(LevelFilter::Debug)
        .log_slow_statements(LevelFilter::Warn, config.slow_statement);
    Ok(if config.read_only { options } else { options.journal_mode(SqliteJournalMode::Wal) })
}
