//! Where the newest places of searched words are looked for on PostgreSQL.
//!
//! Its index gives all places of a word at once, in no order: of a common word, those of years. So it
//! also holds in which stretch each document's number lies, and a search asks for the places in the
//! newest stretches alone. How many of these hold enough places is found out by counting.

use std::sync::atomic::Ordering;

use duplicate::duplicate_item;
use sqlx::{Postgres, Sqlite};

use super::words::{MAX_PLACES, Words};
use crate::{
    dialect::{Dialect, Lookup, STRETCH_BITS},
    engine::SqlStore,
    error::Result,
};

const CANNOT: &str = "places of searched words cannot be counted";

/// The newest document of all, beside a number of places.
const LAST: &str = ", (SELECT MAX(document_id) FROM search_documents)";

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
    const fn first(last: i64) -> Self {
        Self { last, count: FIRST }
    }

    fn are_all(self) -> bool {
        self.last < self.count.into()
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
    /// The words with the way to their newest places, and whether they are common.
    pub(super) async fn locate(&self, words: Words) -> Result<Words> {
        if words.is_none() {
            return Ok(words);
        }
        let mut newest = <Engine as Dialect>::TELLS_STRETCHES
            .then(|| Newest::first(self.stretch.load(Ordering::Relaxed)));
        while let Some(stretches) = newest {
            let lookup = stretches.lookup();
            let (found, last) = self.count_places(&words, &lookup).await?;
            if last != stretches.last {
                // Documents have come, or gone, since it was remembered.
                self.stretch.store(last, Ordering::Relaxed);
                newest = Some(Newest::first(last));
                continue;
            }
            if found > MAX_PLACES {
                return Ok(words.common::<Engine>(&lookup));
            }
            if stretches.are_all() {
                return Ok(words);
            }
            newest = stretches.wider(found, MAX_PLACES + 1);
        }
        let lookup = Lookup::Everywhere;
        let (found, _) = self.count_places(&words, &lookup).await?;
        Ok(if found > MAX_PLACES { words.common::<Engine>(&lookup) } else { words })
    }

    /// How many there are, one more than are looked at standing for all that are more, and the newest
    /// stretch.
    async fn count_places(&self, words: &Words, lookup: &Lookup) -> Result<(u32, i64)> {
        let counted = words.places::<Engine>(lookup).counted(MAX_PLACES + 1, LAST);
        let found: Vec<(i64, Option<i64>)> = self.list(&counted, CANNOT).await?;
        let (found, last) = found.first().copied().unwrap_or_default();
        let found = u32::try_from(found).unwrap_or(MAX_PLACES + 1);
        Ok((found, last.unwrap_or_default() >> STRETCH_BITS))
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
        let first = Newest::first(900);
        assert_eq!(first.lookup(), Lookup::Within("#900 #899 #898".to_owned()));
        assert_eq!([0, 2, 3].map(|last| Newest::first(last).are_all()), [true, true, false]);
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
