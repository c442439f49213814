//! Brings a schema up to date, one process at a time, and refuses one that is newer.

use std::{fs::File, path::Path};

use sqlx::{
    Acquire, PgPool, SqlitePool,
    migrate::{Migrate, MigrateError, Migrator},
};

use crate::error::{Context, Result, StoreError};

/// sqlx's own migration lock does nothing on SQLite, so a lock file stands beside the database; the
/// operating system frees it when its process ends.
pub(super) async fn sqlite(pool: &SqlitePool, database: &Path, apply: bool) -> Result<()> {
    if !apply {
        return check(pool, &nexus_migrations::SQLITE).await;
    }
    let lock = database.with_extension("migrate.lock");
    let lock = tokio::task::spawn_blocking(move || -> std::io::Result<File> {
        let file = File::create(lock)?;
        file.lock()?;
        Ok(file)
    })
    .await
    .map_err(std::io::Error::other)??;
    nexus_migrations::SQLITE.run(pool).await?;
    drop(lock);
    Ok(())
}

/// PostgreSQL is locked by sqlx with an advisory lock.
pub(super) async fn postgres(pool: &PgPool, apply: bool) -> Result<()> {
    if apply {
        nexus_migrations::POSTGRES.run(pool).await?;
        let rights = sqlx::raw_sql(nexus_migrations::POSTGRES_RIGHTS).execute(pool).await;
        rights.map(drop).context("the dashboard's role cannot be given its rights")
    } else {
        check(pool, &nexus_migrations::POSTGRES).await
    }
}

/// Every migration is applied and none is unknown.
async fn check<'a, A>(pool: A, migrator: &Migrator) -> Result<()>
where
    A: Acquire<'a>,
    <A::Connection as std::ops::Deref>::Target: Migrate,
{
    let mut connection = pool.acquire().await?;
    let applied = connection.list_applied_migrations("_sqlx_migrations").await.map_err(unready)?;
    for one in &applied {
        if !migrator.version_exists(one.version) {
            return Err(StoreError::NewerSchema(one.version));
        }
    }
    match migrator.iter().find(|one| applied.iter().all(|done| done.version != one.version)) {
        None => Ok(()),
        Some(missing) => Err(StoreError::Rejected(format!(
            "the store's schema lacks migration {}: run `nexus migrate`",
            missing.version
        ))),
    }
}

/// Without a version table there is no schema at all, unless the engine is what failed.
fn unready(error: MigrateError) -> StoreError {
    let error = StoreError::from(error);
    if error.is_transient() { error } else { StoreError::Rejected(NO_SCHEMA.to_owned()) }
}

const NO_SCHEMA: &str = "the store has no schema yet: run `nexus migrate`";
