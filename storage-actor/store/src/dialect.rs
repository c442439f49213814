//! The few places where the engines' SQL differs. Everything else is written once.

use sqlx::{Database, Postgres, Sqlite};

use crate::queries::without_accents;

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

    /// Writers wait for one another at rows. SQLite has one writer: its transaction is the lock.
    const LOCKS_ROWS: bool;

    /// Ends a `SELECT` that takes work: rows that another worker is taking are passed over.
    const SKIP_LOCKED: &'static str;

    /// Keeps other writers out for the rest of the transaction; empty where there are none.
    const LOCK_EXCHANGES: &'static str;

    /// Lets writers of `usage_buckets` take turns until they commit; empty where there is one writer.
    const LOCK_BUCKETS: &'static str;

    /// `usage` has a partition per month.
    const PARTITIONED: bool;

    /// How many rows a statement changed.
    fn affected(done: &Self::QueryResult) -> u64;

    /// A statement that gives the newest `document_id`s with all of the phrases, and the texts for its
    /// `?`; the last `?` is how many. A phrase is lower-case words separated by single spaces; of no
    /// phrase, nothing is found.
    fn newest_documents(phrases: &[String]) -> (String, Vec<String>);
}

impl Dialect for Sqlite {
    const NAME: &'static str = "sqlite";
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";
    const FOR_UPDATE: &'static str = "";
    const LOCKS_ROWS: bool = false;
    const SKIP_LOCKED: &'static str = "";
    const LOCK_EXCHANGES: &'static str = "";
    const LOCK_BUCKETS: &'static str = "";
    const PARTITIONED: bool = false;

    fn affected(done: &Self::QueryResult) -> u64 {
        done.rows_affected()
    }

    fn newest_documents(phrases: &[String]) -> (String, Vec<String>) {
        let quoted: Vec<_> = phrases.iter().map(|phrase| format!("\"{phrase}\"")).collect();
        // A phrase of no words: no place has it.
        let query = if phrases.is_empty() { "\"\"".to_owned() } else { quoted.join(" ") };
        let statement = "SELECT rowid AS document_id FROM search_words WHERE search_words MATCH ? \
            ORDER BY rowid DESC LIMIT ?";
        (statement.to_owned(), vec![query])
    }
}

impl Dialect for Postgres {
    const NAME: &'static str = "postgres";
    const BEGIN_WRITE: &'static str = "BEGIN";
    const FOR_UPDATE: &'static str = " FOR UPDATE";
    const LOCKS_ROWS: bool = true;
    const SKIP_LOCKED: &'static str = " FOR UPDATE SKIP LOCKED";
    const LOCK_EXCHANGES: &'static str = "LOCK TABLE exchanges IN SHARE ROW EXCLUSIVE MODE";
    const LOCK_BUCKETS: &'static str = "SELECT pg_advisory_xact_lock(7305518436193)";
    const PARTITIONED: bool = true;

    fn affected(done: &Self::QueryResult) -> u64 {
        done.rows_affected()
    }

    fn newest_documents(phrases: &[String]) -> (String, Vec<String>) {
        let plain: Vec<_> = phrases.iter().map(|phrase| without_accents(phrase)).collect();
        let (mut condition, mut texts) = all_stand(&plain);
        if plain != phrases {
            // In documents from before accents were taken off.
            let (accented, more) = all_stand(phrases);
            condition = format!("({condition} OR {accented})");
            texts.extend(more);
        }
        let statement = format!(
            "SELECT document_id FROM search_documents WHERE {condition} \
             ORDER BY document_id DESC LIMIT ?"
        );
        (statement, texts)
    }
}

/// The index finds all of the words; that those of a phrase follow one another is looked up in what it
/// found.
fn all_stand(phrases: &[String]) -> (String, Vec<String>) {
    let mut condition = "string_to_array(words, ' ') @> string_to_array(?, ' ')".to_owned();
    let mut texts = vec![phrases.join(" ")];
    for phrase in phrases.iter().filter(|phrase| phrase.contains(' ')) {
        // Five times as quick as LIKE on such texts.
        condition.push_str(" AND strpos(' ' || words || ' ', ?) > 0");
        texts.push(format!(" {phrase} "));
    }
    if phrases.is_empty() {
        condition.push_str(" AND FALSE");
    }
    (condition, texts)
}
