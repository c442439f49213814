//! One instance of a consumer of the embedded log.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use nexus_contract::{Clock, Kind};
use sqlx::SqlitePool;
use tokio::{
    sync::{Mutex, mpsc, watch},
    time::Instant,
};

use super::{
    ask,
    deliveries::Deliveries,
    recent::Entry,
    sql, unavailable,
    writer::{Board, Command, Settled, lock},
};
use crate::stream::{Consumer, Delivery, PULL_BYTES, SMALL_BYTES, Settle, StreamError};

/// Events read from the file at a time, whatever their size: they are decoded in memory.
const READ: usize = 64;

/// As many of small ones, so that a backlog comes in batches as large as it would from memory.
const READ_SMALL: usize = 1_024;

/// Redeliveries in one pull, whatever their size.
const AGAIN: usize = 16;

/// What the instances of a consumer share.
pub(super) struct Group {
    pub name: Arc<str>,
    kinds: Vec<Arc<str>>,
    pub kinds_json: String,
    pub deliveries: Mutex<Deliveries>,
}

impl Group {
    pub fn new(name: Arc<str>, kinds: &[Kind], cursor: u64, retries: Vec<(u64, u32)>) -> Self {
        let kinds: Vec<Arc<str>> = kinds.iter().map(|kind| kind.as_str().into()).collect();
        let quoted: Vec<String> = kinds.iter().map(|kind| format!("\"{kind}\"")).collect();
        Self {
            name,
            kinds_json: format!("[{}]", quoted.join(",")),
            kinds,
            deliveries: Mutex::new(Deliveries::new(cursor, retries, Instant::now())),
        }
    }

    fn wants(&self, entry: &Entry) -> bool {
        match &entry.target {
            Some(target) => *target == self.name,
            None => self.kinds.contains(&entry.kind),
        }
    }
}

pub(super) struct EmbeddedConsumer {
    pub group: Arc<Group>,
    pub ack_timeout: Duration,
    pub pool: SqlitePool,
    pub board: Arc<Board>,
    pub commands: mpsc::Sender<Command>,
    pub newest: watch::Receiver<u64>,
    pub clock: Arc<dyn Clock>,
    /// Given to this instance, and not settled.
    pub in_hand: BTreeSet<u64>,
}

#[async_trait]
impl Consumer for EmbeddedConsumer {
    async fn pull(&mut self, max: usize, wait: Duration) -> Result<Vec<Delivery>, StreamError> {
        let until = Instant::now() + wait;
        loop {
            self.newest.mark_unchanged();
            let (taken, next_due) = self.take(max).await?;
            let now = Instant::now();
            if !taken.is_empty() || now >= until {
                self.in_hand.extend(taken.iter().map(|delivery| delivery.token));
                return Ok(taken);
            }
            let wake = next_due.map_or(until, |due| due.min(until));
            tokio::select! {
                changed = self.newest.changed() => {
                    changed.map_err(|_closed| StreamError::Unavailable("the log is closed".into()))?;
                }
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    async fn settle(&mut self, settled: Vec<(u64, Settle)>) -> Result<(), StreamError> {
        for (token, _) in &settled {
            self.in_hand.remove(token);
        }
        let durable = {
            let mut deliveries = self.group.deliveries.lock().await;
            self.apply(&mut deliveries, settled)
        };
        let undo = Undo::of(&durable);
        let result = ask(&self.commands, |reply| Command::Settle { settled: durable, reply }).await;
        if result.is_err() {
            undo.run(&mut *self.group.deliveries.lock().await);
        }
        result
    }

    async fn extend(&mut self, tokens: &[u64]) -> Result<(), StreamError> {
        let deadline = Instant::now() + self.ack_timeout;
        self.group.deliveries.lock().await.extend(tokens, deadline);
        Ok(())
    }

    async fn give_back(&mut self) -> Result<(), StreamError> {
        let tokens: Vec<u64> = std::mem::take(&mut self.in_hand).into_iter().collect();
        self.group.deliveries.lock().await.extend(&tokens, Instant::now());
        Ok(())
    }
}

impl EmbeddedConsumer {
    /// What can be delivered now, and when the next redelivery is due.
    async fn take(&self, max: usize) -> Result<(Vec<Delivery>, Option<Instant>), StreamError> {
        let mut deliveries = self.group.deliveries.lock().await;
        let mut taken = Vec::new();
        for (seq, attempt) in deliveries.take_due(max.min(AGAIN), Instant::now(), self.ack_timeout)
        {
            match self.find(seq).await? {
                Some(entry) => taken.push(delivery(&entry, attempt)),
                // Settled by its first delivery after all, and trimmed since.
                None => drop(deliveries.end(seq)),
            }
        }
        let room = (max - taken.len()).min(deliveries.room());
        if room > 0 {
            let (mut entries, cursor) = self.behind(deliveries.cursor(), room).await?;
            entries.retain(|entry| !deliveries.holds(entry.seq));
            let deadline = Instant::now() + self.ack_timeout;
            deliveries.hand_out(entries.iter().map(|entry| entry.seq), cursor, deadline);
            taken.extend(entries.iter().map(|entry| delivery(entry, 1)));
        }
        Ok((taken, deliveries.next_due()))
    }

    /// The next events for this consumer, and up to where was looked.
    async fn behind(&self, cursor: u64, max: usize) -> Result<(Vec<Entry>, u64), StreamError> {
        let newest = *self.newest.borrow();
        if let Some(found) = self.recent_behind(cursor, max) {
            return Ok(found);
        }
        let (name, kinds) = (&self.group.name, &self.group.kinds_json);
        let limit = max.min(READ_SMALL);
        let listed = sql::list_behind(&self.pool, name, kinds, cursor, limit).await;
        let listed = listed.map_err(unavailable)?;
        let seqs = within_budget(&listed);
        let entries = sql::list_events(&self.pool, &seqs).await.map_err(unavailable)?;
        let cut = seqs.len() == limit || seqs.len() < listed.len();
        let last = seqs.last().copied();
        Ok((entries, last.filter(|_| cut).unwrap_or_else(|| newest.max(last.unwrap_or(0)))))
    }

    fn recent_behind(&self, cursor: u64, max: usize) -> Option<(Vec<Entry>, u64)> {
        let recent = lock(&self.board.recent);
        let mut looked = cursor;
        let mut entries = Vec::new();
        let mut bytes = 0;
        for entry in recent.behind(cursor)? {
            if entries.len() == max || bytes >= PULL_BYTES {
                break;
            }
            looked = entry.seq;
            if self.group.wants(entry) {
                bytes += entry.bytes;
                entries.push(entry.clone());
            }
        }
        Some((entries, looked))
    }

    async fn find(&self, seq: u64) -> Result<Option<Entry>, StreamError> {
        let recent = lock(&self.board.recent).find(seq).cloned();
        match recent {
            Some(entry) => Ok(Some(entry)),
            None => sql::find_event(&self.pool, seq).await.map_err(unavailable),
        }
    }

    fn apply(&self, deliveries: &mut Deliveries, settled: Vec<(u64, Settle)>) -> Settled {
        let (mut done, mut retry, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
        for (seq, settle) in settled {
            let Some(attempts) = deliveries.end(seq) else { continue };
            // Only an event that was delivered before can have a row among the retries.
            done.extend((attempts > 1).then_some(seq));
            match settle {
                Settle::Ack => {}
                Settle::Nak(delay) => {
                    deliveries.retry(seq, attempts, Instant::now() + delay);
                    retry.push((seq, attempts));
                }
                Settle::Reject(reason) => rejected.push((seq, attempts, reason)),
            }
        }
        let (consumer, floor) = (self.group.name.clone(), deliveries.floor());
        Settled { consumer, floor, done, retry, rejected, at: self.clock.now() }
    }
}

/// Puts rejected deliveries back when their dead letters could not be written.
struct Undo(Vec<(u64, u32)>);

impl Undo {
    fn of(settled: &Settled) -> Self {
        Self(settled.rejected.iter().map(|(seq, attempts, _)| (*seq, *attempts)).collect())
    }

    fn run(self, deliveries: &mut Deliveries) {
        for (seq, attempts) in self.0 {
            deliveries.retry(seq, attempts, Instant::now());
        }
    }
}

/// The first of `listed` that go into one pull.
fn within_budget(listed: &[(u64, usize)]) -> Vec<u64> {
    let (mut seqs, mut bytes) = (Vec::with_capacity(listed.len()), 0);
    for (seq, size) in listed {
        if bytes >= if seqs.len() < READ { PULL_BYTES } else { SMALL_BYTES } {
            break;
        }
        bytes += size;
        seqs.push(*seq);
    }
    seqs
}

fn delivery(entry: &Entry, attempt: u32) -> Delivery {
    Delivery { token: entry.seq, attempt, event: entry.event.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(count: usize, size: usize) -> usize {
        let listed: Vec<(u64, usize)> = (1..).zip(std::iter::repeat_n(size, count)).collect();
        within_budget(&listed).len()
    }

    #[test]
    fn only_small_events_come_in_large_batches() {
        assert_eq!(taken(1_000, 2 << 10), 1_000);
        assert_eq!(taken(1_000, 16 << 10), 128);
        assert_eq!(taken(1_000, 48 << 10), READ);
        assert_eq!(taken(1_000, 1 << 20), 4);
        assert_eq!(taken(3, 2 * PULL_BYTES), 1, "the largest comes, too");
    }
}
