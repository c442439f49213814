//! The documents of full-text search: an FTS5 index on SQLite, a GIN index on PostgreSQL. Only words are
//! kept; the text around them stands in the bodies.

use sqlx::{Database, Postgres, Sqlite};
use uuid::Uuid;

use super::merge::clean;
use crate::{
    engine::SqlStore,
    error::{Context, Result},
    queries::{searchable_words, without_accents},
};

/// One document.
pub(super) struct Document<'a> {
    pub id: i64,
    pub exchange_id: Uuid,
    /// `request` or `response`.
    pub part: &'static str,
    pub text: &'a str,
}

const SQLITE_DOCUMENT: &str = "INSERT INTO search_documents (document_id, exchange_id, part) \
    VALUES ($1, $2, $3) ON CONFLICT (exchange_id, part) DO NOTHING";
const SQLITE_WORDS: &str = "INSERT INTO search_words (rowid, text) VALUES ($1, $2)";

const POSTGRES_DOCUMENT: &str = "INSERT INTO search_documents \
    (document_id, exchange_id, part, words) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (exchange_id, part) DO NOTHING";

impl SqlStore<Sqlite> {
    /// Lets the exchange be found by the text's words. A half that has a document keeps it.
    pub(super) async fn index_text(
        connection: &mut <Sqlite as Database>::Connection,
        document: &Document<'_>,
    ) -> Result<()> {
        let inserted = sqlx::query(SQLITE_DOCUMENT)
            .bind(document.id)
            .bind(document.exchange_id)
            .bind(document.part)
            .execute(&mut *connection)
            .await
            .context("a search document cannot be written")?;
        if inserted.rows_affected() == 1 {
            sqlx::query(SQLITE_WORDS)
                .bind(document.id)
                .bind(document.words())
                .execute(connection)
                .await
                .context("a search document cannot be indexed")?;
        }
        Ok(())
    }
}

impl SqlStore<Postgres> {
    /// Lets the exchange be found by the text's words. A half that has a document keeps it.
    pub(super) async fn index_text(
        connection: &mut <Postgres as Database>::Connection,
        document: &Document<'_>,
    ) -> Result<()> {
        sqlx::query(POSTGRES_DOCUMENT)
            .bind(document.id)
            .bind(document.exchange_id)
            .bind(document.part)
            .bind(without_accents(&document.words()))
            .execute(connection)
            .await
            .context("a search document cannot be written")?;
        Ok(())
    }
}

impl Document<'_> {
    /// As a search looks for them.
    fn words(&self) -> String {
        searchable_words(&clean(self.text))
    }
}
