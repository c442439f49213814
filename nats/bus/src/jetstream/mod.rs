//! The event stream on NATS JetStream, for roles in processes of their own.
//!
//! An acknowledged publication is as durable as the server's `sync_interval` makes it: with the
//! default, a power cut on a single server loses up to two minutes; three copies, or
//! `sync_interval: always`, don't.

mod chunks;
mod connect;
mod consumer;
mod erase;
mod error;
mod given_up;
mod letters;
mod live;
mod server;
mod topology;
mod trim;

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_nats::jetstream::{consumer as js, stream::Info};
use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use nexus_contract::{Event, ExchangeId, codec};
use tokio::task::JoinHandle;

pub use self::{
    connect::{Connecting, NatsConfig},
    live::NatsLiveBus,
};
use self::{
    consumer::NatsConsumer,
    error::unavailable,
    server::Server,
    topology::{EVENTS, LETTERS},
};
use crate::{
    erase::Exchanges,
    stream::{
        Consumer, ConsumerSpec, ConsumerStatus, DeadLetter, EventStream, Page, StreamError,
        StreamStatus,
    },
};

/// How often settled events beyond the retention are removed.
const TRIM_INTERVAL: Duration = Duration::from_mins(1);

/// The event stream on a NATS server.
pub struct JetStream {
    server: Server,
    last_status: Mutex<Option<StreamStatus>>,
    trimmer: JoinHandle<()>,
}

impl JetStream {
    /// Connects as [`NatsConfig::connecting`] says.
    ///
    /// # Errors
    /// When the URL, the credentials or the certificates can't be used; with
    /// [`Connecting::AtOnce`] also when no server lets it in.
    pub async fn open(config: NatsConfig) -> Result<Self, StreamError> {
        let client = connect::connect(&config).await?;
        let server = Server::new(client, config);
        let trimmer = tokio::spawn(keep_trimming(server.clone()));
        Ok(Self { server, last_status: Mutex::new(None), trimmer })
    }

    /// Creates the streams and the configured consumers, or brings them up to date.
    ///
    /// # Errors
    /// [`StreamError::Refused`] when the server is too old.
    pub async fn setup(&self) -> Result<(), StreamError> {
        self.server.ready().await
    }

    /// Live events over the same connection.
    pub fn live_bus(&self, capacity: usize) -> NatsLiveBus {
        NatsLiveBus::new(self.server.client.clone(), capacity)
    }

    /// Publishes an event that was encoded elsewhere, by another version perhaps.
    pub async fn publish_encoded(
        &self,
        message_id: &str,
        kind: &str,
        wire: Bytes,
    ) -> Result<(), StreamError> {
        self.server.publish_wire(topology::subject_of(kind), message_id, wire).await
    }

    /// Sends all, then awaits all acknowledgements: a round trip for the batch, not for each.
    async fn publish_once(&self, events: &[Event]) -> Result<(), StreamError> {
        let mut acks = Vec::with_capacity(events.len());
        for event in events {
            let wire = codec::encode(event).map_err(|e| StreamError::Refused(e.to_string()))?;
            let subject = topology::event_subject(event.kind());
            acks.push(self.server.send_wire(subject, &event.message_id(), wire).await?);
        }
        let mut result = Ok(());
        for ack in acks {
            result = result.and(self.server.acknowledged(ack).await);
        }
        result
    }

    async fn read_status(&self) -> Result<StreamStatus, StreamError> {
        let events = self.server.stream(EVENTS).await?;
        let info: Info = events.get_info().await.map_err(unavailable)?;
        let consumers: Vec<js::Info> =
            events.consumers().try_collect().await.map_err(unavailable)?;
        let letters = self.server.stream(LETTERS).await?;
        let letters = letters.get_info().await.map_err(unavailable)?;
        Ok(StreamStatus {
            transport: "nats",
            connected: true,
            events: info.state.messages,
            bytes: info.state.bytes,
            max_bytes: self.server.config.max_bytes,
            dead_letters: letters.state.messages,
            consumers: consumers.iter().map(consumer_status).collect(),
        })
    }

    /// The last known figures, marked as such.
    fn stale_status(&self) -> StreamStatus {
        let last = self.last_status.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let nothing = StreamStatus {
            transport: "nats",
            connected: false,
            events: 0,
            bytes: 0,
            max_bytes: self.server.config.max_bytes,
            dead_letters: 0,
            consumers: Vec::new(),
        };
        StreamStatus { connected: false, ..last.unwrap_or(nothing) }
    }
}

impl Drop for JetStream {
    fn drop(&mut self) {
        self.trimmer.abort();
    }
}

#[async_trait]
impl EventStream for JetStream {
    async fn publish(&self, events: &[Event]) -> Result<(), StreamError> {
        match self.publish_once(events).await {
            Err(StreamError::Full) => {
                trim::trim(&self.server, self.server.config.retain_bytes).await?;
                self.publish_once(events).await
            }
            result => result,
        }
    }

    async fn consumer(&self, spec: ConsumerSpec) -> Result<Box<dyn Consumer>, StreamError> {
        Ok(Box::new(NatsConsumer::open(self.server.clone(), spec).await?))
    }

    async fn status(&self) -> Result<StreamStatus, StreamError> {
        match self.read_status().await {
            Ok(status) => {
                let mut last = self.last_status.lock().unwrap_or_else(PoisonError::into_inner);
                *last = Some(status.clone());
                Ok(status)
            }
            Err(error) if error.is_transient() => Ok(self.stale_status()),
            Err(error) => Err(error),
        }
    }

    async fn list_dead_letters(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, StreamError> {
        let below = cursor.map(str::parse).transpose().map_err(|error| {
            StreamError::Refused(format!("the cursor is not one of this list's: {error}"))
        })?;
        letters::list(&self.server, below, limit).await
    }

    async fn find_dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StreamError> {
        match id.parse() {
            Ok(sequence) => letters::find(&self.server, sequence).await,
            Err(_not_an_id) => Ok(None),
        }
    }

    async fn requeue_dead_letter(&self, id: &str) -> Result<bool, StreamError> {
        match id.parse() {
            Ok(sequence) => letters::requeue(&self.server, sequence).await,
            Err(_not_an_id) => Ok(false),
        }
    }

    async fn drop_dead_letter(&self, id: &str) -> Result<bool, StreamError> {
        match id.parse() {
            Ok(sequence) => letters::forget(&self.server, sequence).await,
            Err(_not_an_id) => Ok(false),
        }
    }

    async fn erase(&self, exchanges: &[ExchangeId]) -> Result<u64, StreamError> {
        erase::erase(&self.server, &Exchanges::new(exchanges)).await
    }
}

fn consumer_status(info: &js::Info) -> ConsumerStatus {
    ConsumerStatus {
        name: info.name.clone(),
        lag: info.num_pending,
        unsettled: info.num_ack_pending as u64,
        redelivered: info.num_redelivered as u64,
    }
}

async fn keep_trimming(server: Server) {
    let mut interval = tokio::time::interval(TRIM_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = trim::trim(&server, server.config.retain_bytes).await {
            tracing::debug!(%error, "settled events could not be trimmed now");
        }
    }
}
