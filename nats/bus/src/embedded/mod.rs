//! The embedded log: the event stream of a single process, in a SQLite file of its own.
//!
//! One task writes, in group commits that are synced; consumers in the process take what they can
//! from memory and read the file only when they lag behind. A consumer is a cursor up to which
//! everything is settled, and a table of the events behind it that have to be tried again.

mod consumer;
mod deliveries;
mod open;
mod recent;
mod sql;
mod writer;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use nexus_contract::{Clock, Event, ExchangeId, codec};
use sqlx::SqlitePool;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

pub use self::open::EmbeddedConfig;
use self::{
    consumer::{EmbeddedConsumer, Group},
    open::Opened,
    writer::{Board, Command, Incoming, lock},
};
use crate::{
    erase::Exchanges,
    stream::{
        Consumer, ConsumerSpec, ConsumerStatus, DeadLetter, EventStream, Page, StreamError,
        StreamStatus,
    },
};

/// Commands that may wait for the writer.
const QUEUE: usize = 1_024;

/// The event stream of a single process.
pub struct EmbeddedLog {
    config: EmbeddedConfig,
    pool: SqlitePool,
    board: Arc<Board>,
    commands: mpsc::Sender<Command>,
    groups: Mutex<BTreeMap<String, Arc<Group>>>,
    clock: Arc<dyn Clock>,
    writer: JoinHandle<()>,
}

/// An event in its wire form, whatever this build can make of it.
#[derive(Debug, Clone)]
pub struct Encoded {
    pub message_id: String,
    pub kind: String,
    pub payload: Bytes,
}

impl EmbeddedLog {
    /// Opens the log, creating it when absent.
    ///
    /// # Errors
    /// [`StreamError::Refused`] when another process has it open.
    pub async fn open(config: EmbeddedConfig, clock: Arc<dyn Clock>) -> Result<Self, StreamError> {
        let Opened { pool, board, writer } = open::open(&config).await?;
        let (commands, queue) = mpsc::channel(QUEUE);
        let writer = tokio::spawn(writer::run(writer, queue));
        Ok(Self { config, pool, board, commands, groups: Mutex::default(), clock, writer })
    }

    /// Commits what was asked for and closes the files. Consumers that are still open fail then.
    pub async fn close(self) {
        // An error says that the writer is gone already.
        let _gone = self.commands.send(Command::Close).await;
        if let Err(error) = self.writer.await {
            tracing::error!(%error, "the embedded log's writer ended badly");
        }
        self.pool.close().await;
    }

    /// Stores events that were encoded elsewhere, by another version perhaps.
    pub async fn publish_encoded(&self, events: Vec<Encoded>) -> Result<(), StreamError> {
        let events = events.into_iter().map(|event| incoming(event, None)).collect();
        self.ask(|reply| Command::Publish { events, reply }).await
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StreamError>>) -> Command,
    ) -> Result<T, StreamError> {
        ask(&self.commands, command).await
    }

    /// The state that the instances of a consumer share.
    async fn group(&self, spec: &ConsumerSpec) -> Result<Arc<Group>, StreamError> {
        if let Some(group) = lock(&self.groups).get(&spec.name) {
            return Ok(group.clone());
        }
        let consumer: Arc<str> = spec.name.as_str().into();
        let name = consumer.clone();
        let cursor = self.ask(|reply| Command::Open { consumer, reply }).await?;
        let retries = sql::list_retries(&self.pool, &name).await.map_err(unavailable)?;
        let group = Arc::new(Group::new(name, &spec.kinds, cursor, retries));
        Ok(lock(&self.groups).entry(spec.name.clone()).or_insert(group).clone())
    }
}

#[async_trait]
impl EventStream for EmbeddedLog {
    async fn publish(&self, events: &[Event]) -> Result<(), StreamError> {
        let encode = |event: &Event| {
            let payload = codec::encode(event).map_err(|e| StreamError::Refused(e.to_string()))?;
            Ok(Incoming {
                message_id: event.message_id(),
                kind: event.kind().as_str().into(),
                target: None,
                payload,
                event: Ok(Arc::new(event.clone())),
            })
        };
        let events = events.iter().map(encode).collect::<Result<_, StreamError>>()?;
        self.ask(|reply| Command::Publish { events, reply }).await
    }

    async fn consumer(&self, spec: ConsumerSpec) -> Result<Box<dyn Consumer>, StreamError> {
        let group = self.group(&spec).await?;
        Ok(Box::new(EmbeddedConsumer {
            group,
            ack_timeout: spec.ack_timeout,
            pool: self.pool.clone(),
            board: self.board.clone(),
            commands: self.commands.clone(),
            newest: self.board.newest.subscribe(),
            clock: self.clock.clone(),
            in_hand: BTreeSet::new(),
        }))
    }

    async fn status(&self) -> Result<StreamStatus, StreamError> {
        let groups: Vec<_> = lock(&self.groups).values().cloned().collect();
        let mut consumers = Vec::with_capacity(groups.len());
        for group in groups {
            consumers.push(self.consumer_status(&group).await?);
        }
        let totals = *lock(&self.board.totals);
        Ok(StreamStatus {
            transport: "embedded",
            connected: true,
            events: totals.events,
            bytes: totals.bytes,
            max_bytes: self.config.max_bytes,
            dead_letters: sql::count_dead_letters(&self.pool).await.map_err(unavailable)?,
            consumers,
        })
    }

    async fn list_dead_letters(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, StreamError> {
        let below = cursor.map_or(Ok(i64::MAX), str::parse).map_err(|error| {
            StreamError::Refused(format!("the cursor is not one of this list's: {error}"))
        })?;
        let mut items =
            sql::list_dead_letters(&self.pool, below, limit + 1).await.map_err(unavailable)?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|last| last.id.clone());
        Ok(Page { items, next_cursor })
    }

    async fn find_dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StreamError> {
        let Ok(id) = id.parse() else { return Ok(None) };
        sql::find_dead_letter(&self.pool, id).await.map_err(unavailable)
    }

    async fn requeue_dead_letter(&self, id: &str) -> Result<bool, StreamError> {
        let Some(letter) = self.find_dead_letter(id).await? else { return Ok(false) };
        let Ok(id) = id.parse() else { return Ok(false) };
        let event = Encoded {
            message_id: format!("requeued.{id}.{}", letter.message_id),
            kind: letter.kind,
            payload: letter.payload,
        };
        let event = Box::new(incoming(event, Some(letter.consumer.into())));
        self.ask(|reply| Command::Requeue { id, event, reply }).await
    }

    async fn drop_dead_letter(&self, id: &str) -> Result<bool, StreamError> {
        let Ok(id) = id.parse() else { return Ok(false) };
        self.ask(|reply| Command::Drop { id, reply }).await
    }

    async fn erase(&self, exchanges: &[ExchangeId]) -> Result<u64, StreamError> {
        let exchanges = Exchanges::new(exchanges);
        self.ask(|reply| Command::Erase { exchanges, reply }).await
    }
}

impl EmbeddedLog {
    async fn consumer_status(&self, group: &Group) -> Result<ConsumerStatus, StreamError> {
        let (cursor, unsettled, redelivered) = {
            let deliveries = group.deliveries.lock().await;
            (deliveries.cursor(), deliveries.unsettled(), deliveries.redelivered)
        };
        let lag = sql::count_behind(&self.pool, &group.name, &group.kinds_json, cursor).await;
        Ok(ConsumerStatus {
            name: group.name.to_string(),
            lag: lag.map_err(unavailable)?,
            unsettled: unsettled as u64,
            redelivered,
        })
    }
}

async fn ask<T>(
    commands: &mpsc::Sender<Command>,
    command: impl FnOnce(oneshot::Sender<Result<T, StreamError>>) -> Command,
) -> Result<T, StreamError> {
    let gone = || StreamError::Unavailable("the log's writer is gone".to_owned());
    let (reply, answer) = oneshot::channel();
    commands.send(command(reply)).await.map_err(|_closed| gone())?;
    answer.await.map_err(|_closed| gone())?
}

/// The wire form as it will be handed out in this process.
fn incoming(event: Encoded, target: Option<Arc<str>>) -> Incoming {
    Incoming {
        message_id: event.message_id,
        kind: event.kind.into(),
        target,
        event: codec::decode(&event.payload).map(Arc::new).map_err(Arc::new),
        payload: event.payload,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
fn unavailable(error: sqlx::Error) -> StreamError {
    StreamError::Unavailable(error.to_string())
}
