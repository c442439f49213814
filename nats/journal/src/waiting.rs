//! Ends of exchanges that found no room in the journal, until it has some again.

use std::collections::VecDeque;

use nexus_contract::Headers;

use crate::recording::{Payload, Pending};

/// Those that the journal needs first, then the others in the order in which they came.
pub(crate) struct Waiting {
    ends: VecDeque<Pending>,
    /// Memory that they take.
    bytes: usize,
    max_bytes: usize,
}

impl Waiting {
    pub fn new(max_bytes: usize) -> Self {
        Self { ends: VecDeque::new(), bytes: 0, max_bytes }
    }

    /// False when there is no room here either. An end whose exchange stands in the journal is taken
    /// beyond the bound: without it nothing of what stands there could ever be freed. There are as
    /// many of these as exchanges were open when the journal became full.
    pub fn push(&mut self, end: Pending) -> bool {
        let bytes = memory(&end);
        if end.ticket.is_in_journal() {
            self.ends.push_front(end);
        } else if self.bytes.saturating_add(bytes) <= self.max_bytes {
            self.ends.push_back(end);
        } else {
            return false;
        }
        self.bytes += bytes;
        true
    }

    pub fn pop(&mut self) -> Option<Pending> {
        let end = self.ends.pop_front()?;
        self.bytes -= memory(&end);
        Some(end)
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }
}

/// An end keeps the head of its exchange, too.
fn memory(end: &Pending) -> usize {
    let outcome = match &end.payload {
        Payload::Finish(outcome) => fields(&outcome.headers),
        _ => 0,
    };
    end.weight() + fields(&end.ticket.head.headers) + outcome
}

fn fields(headers: &Headers) -> usize {
    const STRINGS: usize = 2 * size_of::<String>();
    headers.iter().map(|(name, value)| STRINGS + name.len() + value.len()).sum()
}
