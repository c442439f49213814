//! The newest events as they were published, so that consumers in the same process neither read nor
//! decode them again.

use std::{collections::VecDeque, sync::Arc};

use nexus_contract::{DecodeError, Event};

use crate::erase::Exchanges;

/// An event of the log.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub seq: u64,
    pub kind: Arc<str>,
    /// The only consumer that gets it, when it is not for all.
    pub target: Option<Arc<str>>,
    pub bytes: usize,
    pub event: Result<Arc<Event>, Arc<DecodeError>>,
}

/// A run of entries with nothing between them in the log, bounded in bytes.
#[derive(Debug)]
pub(crate) struct Recent {
    entries: VecDeque<Entry>,
    /// Every event behind this one is here.
    after: u64,
    bytes: usize,
    max_bytes: usize,
}

impl Recent {
    pub fn new(after: u64, max_bytes: usize) -> Self {
        Self { entries: VecDeque::new(), after, bytes: 0, max_bytes }
    }

    /// Adds an entry newer than all others.
    pub fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes;
        self.entries.push_back(entry);
        while self.bytes > self.max_bytes {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.bytes;
            self.after = oldest.seq;
        }
    }

    /// Forgets the events about these exchanges. One that can't be read stays until it is pushed out.
    pub fn erase(&mut self, exchanges: &Exchanges) {
        let own = |entry: &Entry| {
            entry.event.as_ref().is_ok_and(|event| exchanges.own(&event.message_id()))
        };
        self.entries.retain(|entry| !own(entry));
        self.bytes = self.entries.iter().map(|entry| entry.bytes).sum();
    }

    /// All entries behind `cursor`, oldest first; `None` when some of them are not here any more.
    pub fn behind(&self, cursor: u64) -> Option<impl Iterator<Item = &Entry>> {
        (cursor >= self.after).then(|| {
            let from = self.entries.partition_point(|entry| entry.seq <= cursor);
            self.entries.range(from..)
        })
    }

    pub fn find(&self, seq: u64) -> Option<&Entry> {
        let at = self.entries.binary_search_by_key(&seq, |entry| entry.seq).ok()?;
        self.entries.get(at)
    }
}
