//! The few places where the engines' SQL differs. Everything else is written once.

use sqlx::{Database, Postgres, Sqlite};

/// What a statement needs to know of its engine.
pub trait Dialect: Database {
    /// The engine's name as logs and `nexus doctor` give it.
    const NAME: &'static str;

    /// Begins a transaction that will write. SQLite takes its write lock here: a lock taken later, on
    /// the first write, cannot wait for another writer.
    const BEGIN_WRITE: &'static str;

    /// Ends a `SELECT` whose rows the transaction is going to change. SQLite has one writer and needs
    /// nothing.
    const FOR_UPDATE: &'static str;

    /// Ends a `SELECT` that takes work: rows that another worker is taking are passed over.
    const SKIP_LOCKED: &'static str;

    /// Keeps other writers out for the rest of the transaction; empty where there are none.
    const LOCK_EXCHANGES: &'static str;

    /// `usage` has a partition per month.
    const PARTITIONED: bool;

    /// The newest `document_id`s that a search query finds: query, limit.
    const SEARCH_NEWEST: &'static str;

    /// All of the phrases, in the engine's query language. A phrase is lower-case words separated by
    /// single spaces, which the language takes as they are.
    fn search_query(phrases: &[String]) -> String;
}

impl Dialect for Sqlite {
    const NAME: &'static str = "sqlite";
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";
    const FOR_UPDATE: &'static str = "";
    const SKIP_LOCKED: &'static str = "";
    const LOCK_EXCHANGES: &'static str = "";
    const PARTITIONED: bool = false;

    const SEARCH_NEWEST: &'static str = "\
        SELECT rowid AS document_id FROM search_words WHERE search_words MATCH ? \
        ORDER BY rowid DESC LIMIT ?";

    fn search_query(phrases: &[String]) -> String {
        if phrases.is_empty() {
            // A phrase of no words: no place has it.
            return "\"\"".to_owned();
        }
        phrases.iter().map(|phrase| format!("\"{phrase}\"")).collect::<Vec<_>>().join(" ")
    }
}

impl Dialect for Postgres {
    const NAME: &'static str = "postgres";
    const BEGIN_WRITE: &'static str = "BEGIN";
    const FOR_UPDATE: &'static str = " FOR UPDATE";
    const SKIP_LOCKED: &'static str = " FOR UPDATE SKIP LOCKED";
    const LOCK_EXCHANGES: &'static str = "LOCK TABLE exchanges IN SHARE ROW EXCLUSIVE MODE";
    const PARTITIONED: bool = true;

    const SEARCH_NEWEST: &'static str = "\
        SELECT document_id FROM search_documents WHERE words @@ to_tsquery('simple', ?) \
        ORDER BY document_id DESC LIMIT ?";

    fn search_query(phrases: &[String]) -> String {
        let in_order = |phrase: &String| format!("({})", phrase.replace(' ', " <-> "));
        phrases.iter().map(in_order).collect::<Vec<_>>().join(" & ")
    }
}
