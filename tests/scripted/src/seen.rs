//! What arrived at a stand-in, for tests to look at. Bounded: the oldest are forgotten.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::http::Request;

const MAX_REQUESTS: usize = 20_000;
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// How an exchange ended, as the stand-in saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All was sent.
    Sent,
    /// The answer was broken off on purpose.
    Broken,
    /// The client hung up.
    ClientGone,
}

/// One request, and how its answer ended, once it has.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Counts from 0 over the stand-in's life.
    pub number: u64,
    pub request: Request,
    pub outcome: Option<Outcome>,
}

/// The newest requests.
#[derive(Debug, Default)]
pub struct Seen {
    ring: Mutex<Ring>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<Entry>,
    next: u64,
    bytes: usize,
}

impl Seen {
    /// All entries still remembered, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.iter().cloned().collect()
    }

    /// How many requests have arrived in all.
    pub fn count(&self) -> u64 {
        self.lock().next
    }

    /// Waits until the entries satisfy the condition. Wrap it in a time-out.
    pub async fn until(&self, condition: impl Fn(&[Entry]) -> bool) -> Vec<Entry> {
        let mut changes = self.changes.subscribe();
        loop {
            let entries = self.entries();
            if condition(&entries) {
                return entries;
            }
            // The sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }

    pub(crate) fn arrived(&self, request: Request) -> u64 {
        let number = self.lock().push(request);
        self.changes.send_modify(|version| *version += 1);
        number
    }

    pub(crate) fn ended(&self, number: u64, outcome: Outcome) {
        if let Some(entry) = self.lock().find(number) {
            entry.outcome = Some(outcome);
        }
        self.changes.send_modify(|version| *version += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn push(&mut self, request: Request) -> u64 {
        let number = self.next;
        self.next += 1;
        self.bytes += request.body.len();
        self.entries.push_back(Entry { number, request, outcome: None });
        while self.entries.len() > MAX_REQUESTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.request.body.len();
        }
        number
    }

    fn find(&mut self, number: u64) -> Option<&mut Entry> {
        let first = self.entries.front()?.number;
        self.entries.get_mut(usize::try_from(number.checked_sub(first)?).ok()?)
    }
}
