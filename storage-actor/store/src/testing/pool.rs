//! A second way into a test's database, to look behind the store and to change what is there.

use sqlx::{PgPool, SqlitePool};

/// Opens by the store's URL.
pub enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    /// # Panics
    /// When it does not open.
    pub async fn open(url: &str) -> Self {
        if url.starts_with("sqlite") {
            Self::Sqlite(SqlitePool::connect(url).await.expect("it opens"))
        } else {
            Self::Postgres(PgPool::connect(url).await.expect("it opens"))
        }
    }
}
