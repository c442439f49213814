//! Why the store did not do it, and whether the same call may succeed later.

use sqlx::{migrate::MigrateError, postgres::PgDatabaseError, sqlite::SqliteError};
use thiserror::Error;

pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// An error of the store. [`StoreError::is_transient`] is its verdict.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The URL names no engine that Nexus has, or can't be read.
    #[error("{0:?} is no store: use sqlite://PATH or postgres://USER@HOST/DATABASE")]
    Url(String),
    /// The schema was made by a newer Nexus.
    #[error(
        "the store's schema has migration {0}, which this version of Nexus does not know: \
         use the version that made it, or a newer one"
    )]
    NewerSchema(i64),
    #[error("the store's schema cannot be brought up to date: {0}")]
    Migration(#[source] MigrateError),
    /// The engine said no, or could not be reached.
    #[error("{context}: {source}")]
    Engine { context: &'static str, source: sqlx::Error },
    /// What was read cannot be what was written.
    #[error("the store holds something that cannot be: {0}")]
    Corrupt(String),
    /// What was to be written cannot be stored, now or later.
    #[error("{0}")]
    Rejected(String),
    #[error("a file beside the store: {0}")]
    File(#[from] std::io::Error),
}

impl StoreError {
    /// Whether the same call may succeed later: the engine is down, busy, full or slow, or lost a
    /// race, and nothing is wrong with what was asked.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Engine { source, .. } | Self::Migration(MigrateError::Execute(source)) => {
                is_transient(source)
            }
            Self::File(_) => true,
            Self::Url(_)
            | Self::NewerSchema(_)
            | Self::Migration(_)
            | Self::Corrupt(_)
            | Self::Rejected(_) => false,
        }
    }

    /// Whether what was to be stored can be stored later, by this process or by the one that replaces
    /// it: the error is transient, or a newer version has migrated the store since it was opened.
    pub fn can_wait(&self) -> bool {
        self.is_transient()
            || matches!(self, Self::Engine { source, .. } if is_of_other_schema(source))
    }
}

impl StoreError {
    /// Another writer was quicker: what this one built on was changed or removed under it.
    pub(crate) fn is_lost_race(&self) -> bool {
        let Self::Engine { source: sqlx::Error::Database(database), .. } = self else {
            return false;
        };
        let code = database.code().unwrap_or_default();
        database.is_foreign_key_violation()
            || database.is_unique_violation()
            || matches!(&code[..], "40001" | "40P01" | DUPLICATE_TABLE)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(source: sqlx::Error) -> Self {
        Self::Engine { context: "the store refused a statement", source }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::NewerSchema(version),
            other => Self::Migration(other),
        }
    }
}

/// Says what was being done when an engine's error came up.
pub trait Context<T> {
    fn context(self, context: &'static str) -> Result<T>;
}

impl<T> Context<T> for Result<T, sqlx::Error> {
    fn context(self, context: &'static str) -> Result<T> {
        self.map_err(|source| StoreError::Engine { context, source })
    }
}

fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            if database.try_downcast_ref::<SqliteError>().is_some() {
                sqlite_is_transient(&code)
            } else if database.try_downcast_ref::<PgDatabaseError>().is_some() {
                postgres_is_transient(&code)
            } else {
                false
            }
        }
        _ => false,
    }
}

/// Busy, locked, out of memory, read-only, interrupted, I/O, full, can't open, protocol, foreign key
/// (<https://sqlite.org/rescode.html>; the low byte is the primary code).
fn sqlite_is_transient(code: &str) -> bool {
    const FOREIGN_KEY: u32 = 787;
    code.parse::<u32>().is_ok_and(|code| {
        matches!(code & 0xff, 5 | 6 | 7 | 8 | 9 | 10 | 13 | 14 | 15) || code == FOREIGN_KEY
    })
}

/// PostgreSQL's code when two make the same partition at once, `IF NOT EXISTS` or not.
const DUPLICATE_TABLE: &str = "42P07";

/// Connection, resources, operator, system, serialisation, deadlock, lock or statement time-out, and
/// a foreign key that a concurrent deletion broke
/// (<https://www.postgresql.org/docs/15/errcodes-appendix.html>).
fn postgres_is_transient(code: &str) -> bool {
    let class = code.get(..2).unwrap_or_default();
    matches!(class, "08" | "53" | "57" | "58")
        || matches!(code, "40001" | "40P01" | "55P03" | "25006" | "23503" | DUPLICATE_TABLE)
}

/// What the statement names is not there, though the schema was looked at when the store was opened: a
/// newer version changed it since.
fn is_of_other_schema(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(database) = error else { return false };
    if database.try_downcast_ref::<SqliteError>().is_some() {
        sqlite_lacks(database.message())
    } else {
        // Undefined column, undefined table.
        matches!(&database.code().unwrap_or_default()[..], "42703" | "42P01")
    }
}

/// SQLite has no code of its own for it.
fn sqlite_lacks(message: &str) -> bool {
    message.starts_with("no such column: ")
        || message.starts_with("no such table: ")
        || message.contains(" has no column named ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_time_heals_is_transient_and_what_is_wrong_is_not() {
        for code in ["08006", "53100", "57P01", "57014", "40P01", "55P03"] {
            assert!(postgres_is_transient(code), "{code}");
        }
        for code in ["42601", "22021", "23505", ""] {
            assert!(!postgres_is_transient(code), "{code}");
        }
        for code in ["5", "517", "13", "266"] {
            assert!(sqlite_is_transient(code), "{code}");
        }
        for code in ["1", "19", "2067"] {
            assert!(!sqlite_is_transient(code), "{code}");
        }
        assert!(!StoreError::NewerSchema(9).is_transient());
    }
}
