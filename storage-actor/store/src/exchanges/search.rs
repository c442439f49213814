//! The documents of full-text search: an FTS5 index on SQLite, a GIN index on PostgreSQL. Only words are
//! kept; the text around them stands in the bodies.

use std::collections::HashSet;

use sqlx::{Database, Postgres, Sqlite};
use uuid::Uuid;

use super::merge::clean;
use crate::{
    bulk,
    engine::SqlStore,
    error::{Context, Result},
    queries::{searchable_words, without_accents},
    sql::{Content, QueryBuilder},
};

/// One document.
pub(super) struct Document<'a> {
    pub id: i64,
    pub exchange_id: Uuid,
    /// `request` or `response`.
    pub part: &'static str,
    pub text: &'a str,
}

/// Documents in one statement: some of them are long, and then a few do.
const MAX_ROWS: usize = 256;
const FEW_ROWS: usize = 32;
/// Bytes of the texts of more than a few.
const MAX_BYTES: usize = 4 << 20;

const SQLITE_DOCUMENTS: &str = "INSERT INTO search_documents (document_id, exchange_id, part) ";
const SQLITE_WORDS: &str = "INSERT INTO search_words (rowid, text) ";
const POSTGRES_DOCUMENTS: &str =
    "INSERT INTO search_documents (document_id, exchange_id, part, words) ";
/// A half that has a document keeps it.
const KEEP: &str = " ON CONFLICT (exchange_id, part) DO NOTHING";

impl SqlStore<Sqlite> {
    /// Lets the exchanges be found by the texts' words.
    pub(super) async fn index_texts(
        connection: &mut <Sqlite as Database>::Connection,
        documents: &[Document<'_>],
    ) -> Result<()> {
        for some in bulk::pieces(documents, at_once(documents)) {
            let mut query = QueryBuilder::<Sqlite>::new(SQLITE_DOCUMENTS);
            query.push_values(some, |mut row, one| {
                row.push_bind(one.id).push_bind(one.exchange_id).push_bind(one.part);
            });
            query.push(KEEP).push(" RETURNING document_id");
            let new: Vec<i64> = query
                .build_query_scalar()
                .fetch_all(&mut *connection)
                .await
                .context("search documents cannot be written")?;
            let new: HashSet<_> = new.into_iter().collect();
            let new: Vec<_> = some.iter().filter(|one| new.contains(&one.id)).collect();
            Self::index_words(connection, &new).await?;
        }
        Ok(())
    }

    async fn index_words(
        connection: &mut <Sqlite as Database>::Connection,
        documents: &[&Document<'_>],
    ) -> Result<()> {
        for some in bulk::pieces(documents, MAX_ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new(SQLITE_WORDS);
            query.push_values(some, |mut row, one| {
                row.push_bind(one.id).push_bind(Content(one.words()));
            });
            let query = query.build();
            query.execute(&mut *connection).await.context("search words cannot be written")?;
        }
        Ok(())
    }
}

impl SqlStore<Postgres> {
    /// Lets the exchanges be found by the texts' words.
    pub(super) async fn index_texts(
        connection: &mut <Postgres as Database>::Connection,
        documents: &[Document<'_>],
    ) -> Result<()> {
        for some in bulk::pieces(documents, at_once(documents)) {
            let mut query = QueryBuilder::<Postgres>::new(POSTGRES_DOCUMENTS);
            query.push_values(some, |mut row, one| {
                row.push_bind(one.id).push_bind(one.exchange_id).push_bind(one.part);
                row.push_bind(Content(without_accents(&one.words())));
            });
            query.push(KEEP);
            let query = query.build();
            query.execute(&mut *connection).await.context("search documents cannot be written")?;
        }
        Ok(())
    }
}

/// How many documents a statement takes, were all as long as the longest.
fn at_once(documents: &[Document<'_>]) -> usize {
    let longest = documents.iter().map(|one| one.text.len()).max().unwrap_or_default();
    (MAX_BYTES / longest.max(1)).clamp(FEW_ROWS, MAX_ROWS)
}

impl Document<'_> {
    /// As a search looks for them.
    fn words(&self) -> String {
        searchable_words(&clean(self.text))
    }
}
