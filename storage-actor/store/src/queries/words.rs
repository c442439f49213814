//! Full-text search: the words of the search field as each engine wants them.
//!
//! Texts are documents of their own (`search_documents`), two an exchange at most: what its request
//! added, and its answer. A search is made of words, runs of letters and digits in lower case, which
//! SQLite looks up in an FTS5 index and PostgreSQL in a GIN index.

use unicode_normalization::UnicodeNormalization;

use super::{
    statement::{Statement, Value},
    syntax::Search,
    types::Unsearched,
};
use crate::dialect::{Dialect, Lookup};

/// How many places, the newest, a search looks at. Words with more are common.
pub(super) const MAX_PLACES: u32 = 3_000;

/// The look-up in `search_documents`, as an engine writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    phrases: Vec<String>,
    /// The engine's statement and its texts; `None` when no words were searched for.
    newest: Option<(String, Vec<String>)>,
    max_places: i64,
    is_common: bool,
    /// What the engine looks into of some exchanges' texts, and the condition with its own texts.
    text: &'static str,
    stand: (String, Vec<String>),
}

impl Words {
    pub(super) fn of<DB: Dialect>(search: &Search) -> Self {
        let phrases: Vec<_> = search.words.iter().filter_map(|word| phrase(word)).collect();
        let newest =
            (!search.words.is_empty()).then(|| DB::newest_documents(&phrases, &Lookup::Everywhere));
        let (max_places, stand) = (MAX_PLACES.into(), DB::stands_in_text(&phrases));
        Self { phrases, newest, max_places, is_common: false, text: DB::TEXT, stand }
    }

    /// The same words, of which this finds more places than are looked at.
    pub(super) fn common<DB: Dialect>(self, lookup: &Lookup) -> Self {
        let newest = Some(DB::newest_documents(&self.phrases, lookup));
        Self { newest, is_common: true, ..self }
    }

    /// The same, of which all places are looked at.
    pub(super) fn unbounded(self) -> Self {
        Self { max_places: i64::MAX, ..self }
    }

    pub(super) const fn is_none(&self) -> bool {
        self.newest.is_none()
    }

    /// Whether more places have them than are looked at.
    pub(super) const fn is_common(&self) -> bool {
        self.is_common
    }

    /// What is not looked at when the newest places are.
    pub(super) fn unsearched(&self) -> Option<Unsearched> {
        self.is_common.then_some(Unsearched::Older)
    }

    /// A statement without a bound that gives a row for each place with the words.
    pub(super) fn places<DB: Dialect>(&self, lookup: &Lookup) -> Statement {
        let (sql, texts) = DB::documents(&self.phrases, lookup);
        let mut statement = Statement::default();
        statement.push(&sql, texts.into_iter().map(Value::Words));
        statement
    }

    /// What `texts t` has of the documents of some exchanges.
    pub(super) const fn text(&self) -> &'static str {
        self.text
    }

    /// Adds the condition that the words stand in a text `t` of `texts`.
    pub(super) fn push_text_condition(&self, statement: &mut Statement) {
        let (sql, texts) = &self.stand;
        statement.push(sql, texts.iter().cloned().map(Value::Words));
    }

    /// Adds a statement that gives `document_id` and `exchange_id` of the newest places with the words.
    pub(super) fn push_places(&self, statement: &mut Statement) {
        let Some((sql, texts)) = &self.newest else { return };
        let texts = texts.iter().cloned().map(Value::Words);
        statement.push(sql, texts.chain([self.max_places.into()]));
    }
}

/// A longer run of letters and digits is no word, but data: its beginning stands for it.
const MAX_WORD: usize = 64;

/// The words of a text as a search looks for them, separated by spaces.
pub(crate) fn searchable_words(text: &str) -> String {
    phrase(text).unwrap_or_default()
}

/// The words of a text as both engines see them, in lower case; `None` without any.
pub(super) fn phrase(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<_> = words.map(|word| &word[..word.floor_char_boundary(MAX_WORD)]).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Latin letters without their accents, as SQLite's index folds them by itself.
pub(crate) fn without_accents(text: &str) -> String {
    text.chars().map(|char| base(char).unwrap_or(char)).collect()
}

/// The plain letter that an accented one is made of.
fn base(char: char) -> Option<char> {
    if char.is_ascii() {
        return None;
    }
    std::iter::once(char).nfd().next().filter(char::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use sqlx::{Postgres, Sqlite};

    use super::*;

    #[test]
    fn each_engine_gets_its_language() {
        let words = ["Fix", "src/main.rs:12", "it's \"so\""].map(str::to_owned).to_vec();
        let search = Search { words, ..Search::default() };
        let texts = |words: Words| words.newest.expect("there are words").1;
        assert_eq!(texts(Words::of::<Sqlite>(&search)), [r#""fix" "src main rs 12" "it s so""#]);
        assert_eq!(
            texts(Words::of::<Postgres>(&search)),
            ["fix src main rs 12 it s so", " src main rs 12 ", " it s so "]
        );
    }

    #[test]
    fn accents_are_taken_off_latin_letters_alone() {
        assert_eq!(without_accents("café señor größe ễ"), "cafe senor große e");
        assert_eq!(without_accents("йод ά øre æ 漢字"), "йод ά øre æ 漢字");
    }

    #[test]
    fn words_of_signs_alone_find_nothing_and_do_not_fail() {
        let search = Search { words: vec!["...".to_owned()], ..Search::default() };
        assert!(!Words::of::<Sqlite>(&search).is_none());
    }
}
