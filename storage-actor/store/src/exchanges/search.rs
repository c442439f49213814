//! The documents of full-text search: FTS5 on SQLite, a `tsvector` on PostgreSQL, behind one method.

use sqlx::{Database, Postgres, Sqlite};
use uuid::Uuid;

use super::merge::clean;
use crate::{
    bodies::packed,
    engine::SqlStore,
    error::{Context, Result},
    queries::searchable_words,
};

/// Bytes of text that one half is found by; a tool's output may be larger.
const MAX_TEXT: usize = 64 * 1024;

/// One document.
pub(super) struct Document<'a> {
    pub id: i64,
    pub exchange_id: Uuid,
    /// `request` or `response`.
    pub part: &'static str,
    pub at: i64,
    pub text: &'a str,
}

const SQLITE_DOCUMENT: &str = "INSERT INTO search_documents \
    (document_id, exchange_id, part, at, data) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (exchange_id, part) DO NOTHING";
const SQLITE_WORDS: &str = "INSERT INTO search_words (rowid, text) VALUES ($1, $2)";

const POSTGRES_DOCUMENT: &str = "INSERT INTO search_documents \
    (document_id, exchange_id, part, at, data, words) \
    VALUES ($1, $2, $3, $4, $5, to_tsvector('simple', $6)) \
    ON CONFLICT (exchange_id, part) DO NOTHING";

impl SqlStore<Sqlite> {
    /// Lets the exchange be found by the text's words. A half that has a document keeps it.
    pub(super) async fn index_text(
        connection: &mut <Sqlite as Database>::Connection,
        document: &Document<'_>,
    ) -> Result<()> {
        let text = shortened(document.text);
        let inserted = sqlx::query(SQLITE_DOCUMENT)
            .bind(document.id)
            .bind(document.exchange_id)
            .bind(document.part)
            .bind(document.at)
            .bind(packed::pack(text.as_bytes())?)
            .execute(&mut *connection)
            .await
            .context("a search document cannot be written")?;
        if inserted.rows_affected() == 1 {
            sqlx::query(SQLITE_WORDS)
                .bind(document.id)
                .bind(text)
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
        let text = shortened(document.text);
        sqlx::query(POSTGRES_DOCUMENT)
            .bind(document.id)
            .bind(document.exchange_id)
            .bind(document.part)
            .bind(document.at)
            .bind(packed::pack(text.as_bytes())?)
            // PostgreSQL would take a path or a host for one word.
            .bind(searchable_words(&text))
            .execute(connection)
            .await
            .context("a search document cannot be written")?;
        Ok(())
    }
}

fn shortened(text: &str) -> String {
    clean(&text[..text.floor_char_boundary(MAX_TEXT)])
}
