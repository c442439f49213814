//! An index for one batch of facts, before one that is slow to ask.
//!
//! What the batch is going to look up is fetched ahead for all its facts at once; what it changes is
//! kept and written at the end. So the source is asked a few times per batch, not a few times per
//! fact.
//!
//! The rows that are known stand in a [`Memory`], changes included. [`Cover`] says for which keys
//! they are *all* the rows that the source has; a look-up under such a key is answered from memory.
//! Any other is the source's to answer, once the changes are written there. Nothing depends on what
//! was fetched ahead but the time it takes.

mod cover;
mod crowds;
mod ends;
mod fetch;
mod index;
mod places;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use nexus_contract::ExchangeId;

use self::cover::Cover;
pub use self::source::{Crowd, Ends, Pending, Session, Source, Window};
use crate::{
    index::{Exchange, Path},
    link::Link,
    memory::Memory,
};

/// An index in front of `S`, for as long as nobody else changes what `S` holds.
pub struct Cache<S> {
    source: S,
    table: Memory,
    cover: Cover,
    dirty: Dirty,
}

/// What the source does not have yet.
#[derive(Debug, Default)]
struct Dirty {
    exchanges: BTreeSet<ExchangeId>,
    /// Of which the source has all but the answer, and what follows from it.
    answers: BTreeSet<ExchangeId>,
    paths: Vec<Path>,
    links: BTreeSet<ExchangeId>,
    /// Whose waiting keys changed.
    waits: BTreeSet<ExchangeId>,
    labels: BTreeMap<ExchangeId, Option<String>>,
}

impl<S: Source> Cache<S> {
    pub fn new(source: S) -> Self {
        let table = Memory::default();
        Self { source, table, cover: Cover::default(), dirty: Dirty::default() }
    }

    /// The source, with every change written.
    pub async fn finish(mut self) -> Result<S, S::Error> {
        self.flush().await?;
        Ok(self.source)
    }

    /// Writes what changed.
    async fn flush(&mut self) -> Result<(), S::Error> {
        let dirty = std::mem::take(&mut self.dirty);
        let (table, cover) = (&self.table, &self.cover);
        let labels = dirty.labels.into_iter();
        let pending = Pending {
            exchanges: dirty.exchanges.iter().filter_map(|id| table.exchanges.get(id)).collect(),
            answers: dirty.answers.iter().filter_map(|id| table.exchanges.get(id)).collect(),
            paths: &dirty.paths,
            links: dirty.links.iter().filter_map(|id| table.links.get(id)).collect(),
            waits: dirty.waits.iter().filter_map(|id| waits(table, *id)).collect(),
            waited: dirty.waits.iter().filter(|id| !cover.is_absent(**id)).copied().collect(),
            labels: labels.filter(|(id, to)| to.is_some() || !cover.is_absent(*id)).collect(),
        };
        self.source.write(pending).await?;
        self.cover.present(&dirty.links);
        Ok(())
    }

    /// Forgets everything after writing it: what is not known is asked for.
    async fn forget(&mut self) -> Result<(), S::Error> {
        self.flush().await?;
        self.table = Memory::default();
        self.cover = Cover::default();
        Ok(())
    }

    /// Takes rows of the source in. What is known already is not older.
    fn load(&mut self, exchanges: Vec<Exchange>) {
        for exchange in exchanges {
            if !self.table.exchanges.contains_key(&exchange.id) {
                self.table.replace(&exchange);
            }
        }
    }

    fn load_links(&mut self, links: Vec<Link>) {
        for link in links {
            if !self.table.links.contains_key(&link.moment.id) {
                self.table.replace_link(&link);
            }
        }
    }
}

fn waits(table: &Memory, id: ExchangeId) -> Option<(crate::Moment, Vec<crate::Hash>)> {
    let keys = table.waits.get(&id)?;
    Some((table.links.get(&id)?.moment, keys.iter().copied().collect()))
}
