//! Full-text search: the words of the search field as each engine wants them.
//!
//! Texts are documents of their own (`search_documents`), two an exchange at most: what its request
//! added, and its answer. A search is made of words, runs of letters and digits in lower case, which
//! SQLite looks up in FTS5 and PostgreSQL in a `tsvector`.

use super::{
    statement::{Statement, Value},
    syntax::Search,
};
use crate::dialect::Dialect;

/// How many places, the newest, a search looks at.
pub(super) const MAX_PLACES: u32 = 3_000;

/// The look-up in `search_documents`, as an engine writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// In the engine's query language; `None` when no words were searched for.
    query: Option<String>,
    newest: &'static str,
}

impl Words {
    pub(super) fn of<DB: Dialect>(search: &Search) -> Self {
        let phrases: Vec<_> = search.words.iter().filter_map(|word| phrase(word)).collect();
        let query = (!search.words.is_empty()).then(|| DB::search_query(&phrases));
        Self { query, newest: DB::SEARCH_NEWEST }
    }

    pub(super) fn is_none(&self) -> bool {
        self.query.is_none()
    }

    /// Adds ` AND e.exchange_id IN (the newest places with the words)`.
    pub(super) fn push_exchange_condition(&self, statement: &mut Statement) {
        if self.is_none() {
            return;
        }
        statement.push(" AND e.exchange_id IN (SELECT d.exchange_id FROM (", []);
        self.push_places(statement);
        statement.push(") p JOIN search_documents d ON d.document_id = p.document_id)", []);
    }

    /// Adds a statement that gives the `document_id` of the newest places with the words.
    pub(super) fn push_places(&self, statement: &mut Statement) {
        let query = self.query.clone().unwrap_or_default();
        statement.push(self.newest, [Value::Text(query), MAX_PLACES.into()]);
    }
}

/// The words of a text as a search looks for them, separated by spaces.
pub(crate) fn searchable_words(text: &str) -> String {
    phrase(text).unwrap_or_default()
}

/// The words of a text as both engines see them, in lower case; `None` without any.
pub(super) fn phrase(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let words: Vec<_> =
        lower.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use sqlx::{Postgres, Sqlite};

    use super::*;

    #[test]
    fn each_engine_gets_its_language() {
        let words = ["Fix", "src/main.rs:12", "it's \"so\""].map(str::to_owned).to_vec();
        let search = Search { words, ..Search::default() };
        let query = |words: Words| words.query.expect("there are words");
        assert_eq!(query(Words::of::<Sqlite>(&search)), r#""fix" "src main rs 12" "it s so""#);
        assert_eq!(
            query(Words::of::<Postgres>(&search)),
            "(fix) & (src <-> main <-> rs <-> 12) & (it <-> s <-> so)"
        );
    }

    #[test]
    fn words_of_signs_alone_find_nothing_and_do_not_fail() {
        let search = Search { words: vec!["...".to_owned()], ..Search::default() };
        assert!(!Words::of::<Sqlite>(&search).is_none());
    }
}
