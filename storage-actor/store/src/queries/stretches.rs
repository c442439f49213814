//! Where the newest places of searched words are looked for on PostgreSQL.
//!
//! Its index gives all places of a word at once, in no order: of a common word, those of years. So it
//! also holds in which stretch each document's number lies, and a search asks for the places in the
//! newest stretches alone. How many of these hold enough places is found out by counting.

use duplicate::duplicate_item;
use sqlx::{Postgres, Sqlite};

use super::{statement::Statement, syntax::Search, words::Words};
use crate::{
    dialect::{Dialect, Lookup, STRETCH_BITS},
    engine::SqlStore,
    error::Result,
};

const CANNOT: &str = "places of searched words cannot be counted";

const LAST: &str = "SELECT MAX(document_id) FROM search_documents";

/// So many are looked into first: the newest has only begun.
const FIRST: u32 = 3;

/// So many are asked for at the most. What more would be needed for is rare enough to be asked for in all.
const MAX: u32 = 1_024;

/// The newest stretches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Newest {
    last: i64,
    count: u32,
}

impl Newest {
    /// `None`: there are no older ones, or hardly any.
    fn first(last_document: i64) -> Option<Self> {
        let last = last_document >> STRETCH_BITS;
        (last > i64::from(FIRST)).then_some(Self { last, count: FIRST })
    }

    /// Those that are likely to hold `wanted` places where these hold only `found`.
    fn wider(self, found: u32, wanted: u32) -> Option<Self> {
        if found == 0 {
            return None;
        }
        let with_reserve = u64::from(self.count) * u64::from(wanted) * 3 / 2;
        let count = u32::try_from(with_reserve.div_ceil(found.into())).ok()?;
        (count <= MAX && i64::from(count) < self.last).then_some(Self { count, ..self })
    }

    fn lookup(self) -> Lookup {
        let names = (0..i64::from(self.count)).map(|back| format!("#{}", self.last - back));
        Lookup::Within(names.collect::<Vec<_>>().join(" "))
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// The words of a search that has other conditions, too, if `others`: then so many places are looked
    /// at that to count them before would cost what it saves.
    pub(super) async fn words(&self, search: &Search, others: bool) -> Result<Words> {
        let words = Words::of::<Engine>(search).with_others(others);
        if words.is_none() || others || !<Engine as Dialect>::TELLS_STRETCHES {
            return Ok(words);
        }
        let last: Vec<(Option<i64>,)> = self.list(&Statement::new(LAST), CANNOT).await?;
        let mut newest = last.first().and_then(|(last,)| Newest::first((*last)?));
        while let Some(stretches) = newest {
            let within = words.found_by::<Engine>(&stretches.lookup());
            let found = self.places_of(&within).await?;
            if found >= words.max_places() {
                return Ok(within);
            }
            newest = stretches.wider(found, words.max_places());
        }
        Ok(words.found_by::<Engine>(&Lookup::ByWords))
    }

    async fn places_of(&self, words: &Words) -> Result<u32> {
        let mut statement = Statement::new("SELECT COUNT(*) FROM (");
        words.push_places(&mut statement);
        statement.push(") p", []);
        let found: Vec<(i64,)> = self.list(&statement, CANNOT).await?;
        Ok(found.first().and_then(|(count,)| u32::try_from(*count).ok()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn newest(count: u32) -> Newest {
        Newest { last: 900, count }
    }

    #[test]
    fn the_newest_are_named() {
        let last_document = (900 << STRETCH_BITS) + 5;
        let first = Newest::first(last_document).expect("there are older ones");
        assert_eq!(first.lookup(), Lookup::Within("#900 #899 #898".to_owned()));
        assert_eq!(Newest::first(3 << STRETCH_BITS), None);
    }

    #[test]
    fn more_are_looked_into_until_it_is_cheaper_to_ask_for_all() {
        let wider = |count, found| newest(count).wider(found, 3_000).map(|wider| wider.count);
        assert_eq!(wider(3, 2_999), Some(5));
        assert_eq!(wider(3, 300), Some(45));
        assert_eq!(wider(800, 2_999), None, "that would be all");
        assert_eq!([wider(3, 0), wider(3, 1)], [None, None]);
    }

    /// However the places lie, it ends.
    #[test]
    fn each_step_is_a_step() {
        for (count, found) in [(1, 2_999), (3, 2_999), (45, 2_000), (500, 2_900)] {
            let wider = newest(count).wider(found, 3_000).map_or(u32::MAX, |wider| wider.count);
            assert!(wider > count, "{count}, {found}: {wider}");
        }
    }
}
