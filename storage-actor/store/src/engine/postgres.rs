//! PostgreSQL: a pool that writes, and one whose sessions are read-only with a statement time-out.

use std::str::FromStr;

use sqlx::{
    ConnectOptions, Postgres,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

use tracing::log::LevelFilter;

use super::{SqlStore, StoreConfig, migrate, without_password};
use crate::error::{Context, Result, StoreError};

impl SqlStore<Postgres> {
    pub(super) async fn open(config: &StoreConfig) -> Result<Self> {
        let read = pool(config, config.max_readers, reading(config)?).await?;
        let write = if config.read_only {
            read.clone()
        } else {
            pool(config, (config.max_readers / 2).max(2), writing(config)?).await?
        };
        if config.migrate && !config.read_only {
            // Without time-outs: an index over millions of rows takes as long as it takes, and who
            // starts meanwhile waits.
            let patient = pool(config, 1, options(config)?).await?;
            let migrated = migrate::postgres(&patient, true).await;
            patient.close().await;
            migrated?;
        } else {
            migrate::postgres(&write, false).await?;
        }
        Ok(Self::new(write, read))
    }
}

async fn pool(config: &StoreConfig, max: u32, options: PgConnectOptions) -> Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(max.max(1))
        .acquire_timeout(config.acquire_timeout)
        .connect_with(options)
        .await
        .context("PostgreSQL cannot be reached")
}

fn reading(config: &StoreConfig) -> Result<PgConnectOptions> {
    Ok(options(config)?.options([
        ("default_transaction_read_only", "on".to_owned()),
        ("statement_timeout", config.read_timeout.as_millis().to_string()),
        // How many rows a search finds depends on its words: a plan for any of them walks all for a rare one.
        ("plan_cache_mode", "force_custom_plan".to_owned()),
        // What lists and searches look up lies together or in memory, mostly. The usual figure has a table
        // read from end to end in search of a few rows.
        ("random_page_cost", "1.1".to_owned()),
        // A search seems to cost what it would if its first texts did not fill the page; to compile it
        // takes longer than to run it.
        ("jit", "off".to_owned()),
    ]))
}

fn writing(config: &StoreConfig) -> Result<PgConnectOptions> {
    let timeout = config.write_timeout.as_millis().to_string();
    Ok(options(config)?.options([
        ("statement_timeout", timeout.clone()),
        ("lock_timeout", timeout.clone()),
        // A writer that froze must not hold its locks for ever.
        ("idle_in_transaction_session_timeout", timeout),
        // Writers look rows up by keys, most of them of rows that were written lately. A plan is kept
        // until there are other statistics: one of when a table was small would read all of it by then.
        ("enable_seqscan", "off".to_owned()),
        ("random_page_cost", "1.1".to_owned()),
        // A plan that must read a whole table seems to cost so much that it would be compiled.
        ("jit", "off".to_owned()),
    ]))
}

fn options(config: &StoreConfig) -> Result<PgConnectOptions> {
    PgConnectOptions::from_str(&config.url)
        .map(|options| {
            options
                .application_name("nexus")
                .statement_cache_capacity(256)
                .log_statements(LevelFilter::Debug)
                .log_slow_statements(LevelFilter::Warn, config.slow_statement)
        })
        .map_err(|error| StoreError::Url(format!("{}: {error}", without_password(&config.url))))
}
