//! The one task that writes. All that waits when it gets its turn goes into one transaction: the
//! cost of a commit, mostly the sync, is shared by everyone who waits for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use jiff::Timestamp;
use nexus_contract::{DecodeError, Event};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    recent::{Entry, Recent},
    sql,
};
use crate::{erase::Exchanges, stream::StreamError};

/// Bytes after which a transaction takes no further command.
const MAX_BATCH: usize = 8 << 20;

/// An event on its way into the log.
pub(crate) struct Incoming {
    pub message_id: String,
    pub kind: Arc<str>,
    pub target: Option<Arc<str>>,
    pub payload: Bytes,
    pub event: Result<Arc<Event>, Arc<DecodeError>>,
}

type Reply<T> = oneshot::Sender<Result<T, StreamError>>;

pub(crate) enum Command {
    Publish { events: Vec<Incoming>, reply: Reply<()> },
    Open { consumer: Arc<str>, reply: Reply<u64> },
    Settle { settled: Settled, reply: Reply<()> },
    Requeue { id: i64, event: Box<Incoming>, reply: Reply<bool> },
    Drop { id: i64, reply: Reply<bool> },
    Erase { exchanges: Exchanges, reply: Reply<u64> },
    Close,
}

/// What one consumer settled, in durable terms.
pub(crate) struct Settled {
    pub consumer: Arc<str>,
    pub floor: u64,
    /// Not to be retried any longer.
    pub done: Vec<u64>,
    /// (sequence, attempts)
    pub retry: Vec<(u64, u32)>,
    /// (sequence, attempts, reason)
    pub rejected: Vec<(u64, u32, String)>,
    pub at: Timestamp,
}

/// What the writer shares with the readers.
pub(crate) struct Board {
    pub recent: Mutex<Recent>,
    /// The newest committed sequence.
    pub newest: watch::Sender<u64>,
    pub totals: Mutex<Totals>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    pub events: u64,
    pub bytes: u64,
}

pub(crate) struct Writer {
    pub conn: SqliteConnection,
    pub board: Arc<Board>,
    pub next_seq: u64,
    pub max_bytes: u64,
    pub retain_bytes: u64,
    /// The durable cursor of every consumer that ever was.
    pub floors: BTreeMap<Arc<str>, u64>,
    /// Held as long as anything may be written.
    pub _lock: File,
}

/// What a transaction did.
#[derive(Default)]
struct Done {
    entries: Vec<Entry>,
    /// By position in the batch: what a `Requeue` or a `Drop` found, where an `Open` begins.
    found: BTreeMap<usize, bool>,
    cursors: BTreeMap<usize, u64>,
    erased: BTreeMap<usize, Erased>,
}

/// What there was about exchanges that had to go.
#[derive(Default)]
pub(crate) struct Erased {
    /// Of each event.
    pub bytes: Vec<u64>,
    pub dead_letters: u64,
}

/// Runs until it is closed or all senders are gone.
pub(crate) async fn run(mut writer: Writer, mut commands: mpsc::Receiver<Command>) {
    while let Some(first) = commands.recv().await {
        let mut batch = vec![first];
        let mut weight = 0;
        while weight < MAX_BATCH {
            weight += batch.last().map_or(0, Command::weight);
            let Ok(next) = commands.try_recv() else { break };
            batch.push(next);
        }
        let closes = batch.iter().any(|command| matches!(command, Command::Close));
        writer.serve(batch).await;
        if closes {
            return;
        }
    }
}

impl Writer {
    async fn serve(&mut self, batch: Vec<Command>) {
        let batch = self.admit(batch).await;
        match self.commit(&batch).await {
            Ok(done) => self.announce(batch, done),
            Err(error) => {
                tracing::error!(%error, "the embedded log could not commit");
                for command in batch {
                    command.fail(&error);
                }
            }
        }
        if let Err(error) = self.trim(self.retain_bytes).await {
            tracing::warn!(%error, "the embedded log could not be trimmed");
        }
    }

    /// Refuses the publications for which there is no room.
    async fn admit(&mut self, batch: Vec<Command>) -> Vec<Command> {
        let mut admitted = Vec::with_capacity(batch.len());
        let mut incoming = 0;
        for command in batch {
            let weight = command.weight() as u64;
            if weight > 0 && !self.has_room(incoming + weight).await {
                command.refuse();
                continue;
            }
            incoming += weight;
            admitted.push(command);
        }
        admitted
    }

    async fn has_room(&mut self, incoming: u64) -> bool {
        if self.totals().bytes + incoming <= self.max_bytes {
            return true;
        }
        if let Err(error) = self.trim(self.max_bytes.saturating_sub(incoming)).await {
            tracing::warn!(%error, "the embedded log could not be trimmed");
        }
        self.totals().bytes + incoming <= self.max_bytes
    }

    async fn commit(&mut self, batch: &[Command]) -> Result<Done, sqlx::Error> {
        let mut tx = self.conn.begin_with("BEGIN IMMEDIATE").await?;
        let mut done = Done::default();
        let mut incoming = Vec::new();
        for (at, command) in batch.iter().enumerate() {
            match command {
                Command::Publish { events, .. } => incoming.extend(events),
                Command::Open { consumer, .. } => {
                    done.cursors.insert(at, sql::upsert_consumer(&mut tx, consumer).await?);
                }
                Command::Settle { settled, .. } => settle(&mut tx, settled).await?,
                Command::Requeue { id, event, .. } => {
                    let found = sql::delete_dead_letter(&mut tx, *id).await?;
                    incoming.extend(found.then_some(&**event));
                    done.found.insert(at, found);
                }
                Command::Drop { id, .. } => {
                    done.found.insert(at, sql::delete_dead_letter(&mut tx, *id).await?);
                }
                Command::Erase { exchanges, .. } => {
                    done.erased.insert(at, sql::erase(&mut tx, exchanges).await?);
                }
                Command::Close => {}
            }
        }
        let numbered: Vec<_> = (self.next_seq..).zip(incoming).collect();
        let inserted = sql::insert(&mut tx, &numbered).await?;
        tx.commit().await?;
        self.next_seq += numbered.len() as u64;
        done.entries = entries(&numbered, &inserted);
        Ok(done)
    }

    /// After the commit: shows the events, moves the cursors, and answers.
    fn announce(&mut self, batch: Vec<Command>, mut done: Done) {
        self.show(std::mem::take(&mut done.entries));
        for (at, command) in batch.into_iter().enumerate() {
            match command {
                Command::Publish { reply, .. } => answer(reply, ()),
                Command::Open { consumer, reply } => {
                    let cursor = done.cursors.get(&at).copied().unwrap_or(0);
                    self.floors.entry(consumer).or_insert(cursor);
                    answer(reply, cursor);
                }
                Command::Settle { settled, reply } => {
                    let floor = self.floors.entry(settled.consumer).or_default();
                    *floor = settled.floor.max(*floor);
                    answer(reply, ());
                }
                Command::Requeue { reply, .. } | Command::Drop { reply, .. } => {
                    answer(reply, done.found.get(&at).copied().unwrap_or(false));
                }
                Command::Erase { exchanges, reply } => {
                    let erased = done.erased.remove(&at).unwrap_or_default();
                    lock(&self.board.recent).erase(&exchanges);
                    self.removed(&erased.bytes);
                    answer(reply, erased.bytes.len() as u64 + erased.dead_letters);
                }
                Command::Close => {}
            }
        }
    }

    fn show(&self, entries: Vec<Entry>) {
        let Some(newest) = entries.last().map(|entry| entry.seq) else { return };
        let mut totals = lock(&self.board.totals);
        totals.events += entries.len() as u64;
        totals.bytes += entries.iter().map(|entry| entry.bytes as u64).sum::<u64>();
        drop(totals);
        metrics::counter!("nexus_stream_published_total").increment(entries.len() as u64);
        let mut recent = lock(&self.board.recent);
        for entry in entries {
            recent.push(entry);
        }
        drop(recent);
        self.board.newest.send_replace(newest);
    }

    /// Removes the oldest settled events until no more than `target` bytes are left.
    async fn trim(&mut self, target: u64) -> Result<(), sqlx::Error> {
        // Before the first consumer, everything is unread.
        let floor = self.floors.values().min().copied().unwrap_or(0);
        while self.totals().bytes > target {
            let deleted = sql::delete_settled(&mut self.conn, floor).await?;
            if deleted.is_empty() {
                break;
            }
            self.removed(&deleted);
        }
        Ok(())
    }

    /// Takes events of these sizes out of the totals.
    fn removed(&self, bytes: &[u64]) {
        let mut totals = lock(&self.board.totals);
        totals.events = totals.events.saturating_sub(bytes.len() as u64);
        totals.bytes = totals.bytes.saturating_sub(bytes.iter().sum());
    }

    fn totals(&self) -> Totals {
        *lock(&self.board.totals)
    }
}

async fn settle(conn: &mut SqliteConnection, settled: &Settled) -> Result<(), sqlx::Error> {
    let consumer = &settled.consumer;
    for (seq, attempts, reason) in &settled.rejected {
        sql::insert_dead_letter(conn, consumer, *seq, *attempts, reason, settled.at).await?;
    }
    for seq in &settled.done {
        sql::delete_retry(conn, consumer, *seq).await?;
    }
    for (seq, attempts) in &settled.retry {
        sql::upsert_retry(conn, consumer, *seq, *attempts).await?;
    }
    sql::move_cursor(conn, consumer, settled.floor).await
}

/// The events that were really inserted; the others were there already.
fn entries(numbered: &[(u64, &Incoming)], inserted: &[u64]) -> Vec<Entry> {
    let inserted: BTreeSet<u64> = inserted.iter().copied().collect();
    numbered
        .iter()
        .filter(|(seq, _)| inserted.contains(seq))
        .map(|(seq, event)| Entry {
            seq: *seq,
            kind: event.kind.clone(),
            target: event.target.clone(),
            bytes: event.payload.len(),
            event: event.event.clone(),
        })
        .collect()
}

impl Command {
    fn weight(&self) -> usize {
        match self {
            Self::Publish { events, .. } => events.iter().map(|event| event.payload.len()).sum(),
            Self::Requeue { event, .. } => event.payload.len(),
            Self::Open { .. }
            | Self::Settle { .. }
            | Self::Drop { .. }
            | Self::Erase { .. }
            | Self::Close => 0,
        }
    }

    fn refuse(self) {
        self.answer_error(|| StreamError::Full);
    }

    fn fail(self, error: &sqlx::Error) {
        self.answer_error(|| StreamError::Unavailable(error.to_string()));
    }

    fn answer_error(self, error: impl Fn() -> StreamError) {
        match self {
            Self::Publish { reply, .. } | Self::Settle { reply, .. } => {
                let _gone = reply.send(Err(error()));
            }
            Self::Requeue { reply, .. } | Self::Drop { reply, .. } => {
                let _gone = reply.send(Err(error()));
            }
            Self::Open { reply, .. } | Self::Erase { reply, .. } => {
                let _gone = reply.send(Err(error()));
            }
            Self::Close => {}
        }
    }
}

fn answer<T>(reply: Reply<T>, value: T) {
    let _gone = reply.send(Ok(value));
}

/// A lock that a panic elsewhere does not spoil: what it guards is whole between statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
