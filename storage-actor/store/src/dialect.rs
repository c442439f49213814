//! The few places where the engines' SQL differs. Everything else is written once.

use std::fmt::Write as _;

use sqlx::{Database, Postgres, Sqlite};

use crate::queries::without_accents;

/// The numbers of a stretch of documents differ in so many of their last bits: it is a few thousand
/// documents, or a few hundred. `search_documents_by_word` has them so.
pub const STRETCH_BITS: u32 = 17;

/// How the newest documents with some words are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// In all documents.
    Everywhere,
    /// In the stretches of these names alone, separated by spaces: `#` and what the numbers of
    /// their documents begin with.
    Within(String),
}

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

    /// The index of words tells stretches of documents apart. One that does not gives a word's newest
    /// documents first.
    const TELLS_STRETCHES: bool;

    /// What `texts t` of some exchanges has of `search_documents d`: the document's id, the exchange's,
    /// and what [`stands_in_text`](Self::stands_in_text) looks into.
    const TEXT: &'static str;

    /// What stands before and behind columns to have them of all rows as one JSON array of arrays; of no
    /// rows some engines give none.
    const ROWS_AS_JSON: (&'static str, &'static str);

    /// A column of ids as such JSON has it: hexadecimal digits, with hyphens or without.
    fn id_in_json(column: &str) -> String;

    /// How many rows a statement changed.
    fn affected(done: &Self::QueryResult) -> u64;

    /// A statement that gives a row for each document with all of the phrases, and the texts for its
    /// `?`. A phrase is lower-case words separated by single spaces; of no phrase, nothing is found.
    fn documents(phrases: &[String], lookup: &Lookup) -> (String, Vec<String>);

    /// The same for `document_id` and `exchange_id` of the newest of them; the last `?` is how many.
    fn newest_documents(phrases: &[String], lookup: &Lookup) -> (String, Vec<String>);

    /// The condition that all of the phrases stand in a text `t` of `texts`, and the texts for its `?`.
    fn stands_in_text(phrases: &[String]) -> (String, Vec<String>);
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
    const TELLS_STRETCHES: bool = false;
    const TEXT: &'static str = "d.document_id, d.exchange_id";
    const ROWS_AS_JSON: (&'static str, &'static str) = ("json_group_array(json_array(", "))");

    fn id_in_json(column: &str) -> String {
        // Of NULL, the digits are an empty text.
        format!("NULLIF(hex({column}), '')")
    }

    fn affected(done: &Self::QueryResult) -> u64 {
        done.rows_affected()
    }

    fn documents(phrases: &[String], _: &Lookup) -> (String, Vec<String>) {
        let statement = "SELECT rowid FROM search_words WHERE search_words MATCH ?";
        (statement.to_owned(), vec![all_words(phrases)])
    }

    fn newest_documents(phrases: &[String], _: &Lookup) -> (String, Vec<String>) {
        // CROSS has the engine begin with the words.
        let statement = "SELECT w.document_id, d.exchange_id FROM ( \
                SELECT rowid AS document_id FROM search_words WHERE search_words MATCH ? \
                ORDER BY rowid DESC LIMIT ?) w \
            CROSS JOIN search_documents d WHERE d.document_id = w.document_id";
        (statement.to_owned(), vec![all_words(phrases)])
    }

    fn stands_in_text(phrases: &[String]) -> (String, Vec<String>) {
        // Asked for one document, the index begins anew; of a range it gives the places in one go. The
        // plus keeps the engine from asking for each.
        let condition = "t.document_id IN ( \
            SELECT rowid FROM search_words WHERE search_words MATCH ? \
            AND rowid >= (SELECT MIN(document_id) FROM texts) \
            AND rowid <= (SELECT MAX(document_id) FROM texts) \
            AND +rowid IN (SELECT document_id FROM texts))";
        (condition.to_owned(), vec![all_words(phrases)])
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
    const TELLS_STRETCHES: bool = true;
    const TEXT: &'static str = "d.document_id, d.exchange_id, d.words";
    const ROWS_AS_JSON: (&'static str, &'static str) = ("json_agg(json_build_array(", "))");

    fn id_in_json(column: &str) -> String {
        column.to_owned()
    }

    fn affected(done: &Self::QueryResult) -> u64 {
        done.rows_affected()
    }

    fn documents(phrases: &[String], lookup: &Lookup) -> (String, Vec<String>) {
        let (condition, texts) = as_stored(phrases, |phrases| all_stand(phrases, lookup));
        // Planned for all of them, whatever `LIMIT` comes behind: the engine would walk through all
        // documents in the hope of meeting so many soon.
        let statement = format!(
            "WITH p AS MATERIALIZED (SELECT document_id FROM search_documents WHERE {condition}) \
             SELECT document_id FROM p"
        );
        (statement, texts)
    }

    fn newest_documents(phrases: &[String], lookup: &Lookup) -> (String, Vec<String>) {
        let (condition, texts) = as_stored(phrases, |phrases| all_stand(phrases, lookup));
        // The plus keeps the engine from walking through all documents.
        let statement = format!(
            "SELECT document_id, exchange_id FROM search_documents WHERE {condition} \
             ORDER BY +document_id DESC LIMIT ?"
        );
        (statement, texts)
    }

    fn stands_in_text(phrases: &[String]) -> (String, Vec<String>) {
        as_stored(phrases, |phrases| {
            let all = phrases.iter().map(|_| "strpos(' ' || t.words || ' ', ?) > 0");
            let condition = all.collect::<Vec<_>>().join(" AND ");
            let condition = if phrases.is_empty() { "FALSE".to_owned() } else { condition };
            (condition, phrases.iter().map(|phrase| format!(" {phrase} ")).collect())
        })
    }
}

/// A query of SQLite's index.
fn all_words(phrases: &[String]) -> String {
    let quoted: Vec<_> = phrases.iter().map(|phrase| format!("\"{phrase}\"")).collect();
    // A phrase of no words: no place has it.
    if phrases.is_empty() { "\"\"".to_owned() } else { quoted.join(" ") }
}

/// The condition for phrases as PostgreSQL's documents have them: without accents, and as they are in
/// documents from before accents were taken off.
fn as_stored(
    phrases: &[String],
    condition: impl Fn(&[String]) -> (String, Vec<String>),
) -> (String, Vec<String>) {
    let plain: Vec<_> = phrases.iter().map(|phrase| without_accents(phrase)).collect();
    let (mut sql, mut texts) = condition(&plain);
    if plain != phrases {
        let (accented, more) = condition(phrases);
        sql = format!("({sql} OR {accented})");
        texts.extend(more);
    }
    (sql, texts)
}

/// The index finds all of the words; that those of a phrase follow one another is looked up in what it
/// found.
fn all_stand(phrases: &[String], lookup: &Lookup) -> (String, Vec<String>) {
    // As `search_documents_by_word` has them: the name of the document's stretch behind its words.
    let words =
        format!("string_to_array(words || ' #' || (document_id >> {STRETCH_BITS})::text, ' ')");
    let mut condition = format!("{words} @> string_to_array(?, ' ')");
    let mut texts = vec![phrases.join(" ")];
    if let Lookup::Within(stretches) = lookup {
        write!(condition, " AND {words} && string_to_array(?, ' ')").expect("a string takes it");
        texts.push(stretches.clone());
    }
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
