//! The contract of the event stream. Two implementations stand side by side, the embedded log and
//! JetStream; one conformance suite holds both to these rules.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use nexus_contract::{DecodeError, Event, ExchangeId, Kind};
use serde::Serialize;
use thiserror::Error;

/// A durable, ordered, replayable stream of events with named consumers.
///
/// **Publishing.** When [`publish`](Self::publish) returns `Ok`, every event of the batch survives
/// `kill -9` of any process and is delivered to every consumer whose filter it passes, also to one
/// that is created later, for as long as retention keeps it. When it returns an error, any part of
/// the batch may have been stored. Publishing an event again, under the same
/// [`message_id`](Event::message_id), is always safe; de-duplication is best effort, so consumers
/// must be idempotent. A full stream refuses ([`StreamError::Full`]); it never discards what no
/// consumer has read.
///
/// **Consuming.** Every event reaches each named consumer at least once. Instances that share a
/// name share the work: at one time a delivery is with one of them. A delivery that is not settled
/// within [`ConsumerSpec::ack_timeout`] is delivered again. Order is the publishing order for first
/// deliveries within one instance; nothing else is promised about order.
///
/// **Dead letters.** A delivery settled with [`Settle::Reject`] goes to the dead letters with its
/// reason and its bytes, and is not delivered again to that consumer. Nothing but that and
/// [`erase`](Self::erase) removes an unsettled event. A requeued dead letter is delivered again to
/// the consumer that rejected it.
#[async_trait]
pub trait EventStream: Send + Sync + 'static {
    /// Stores the events, in order, durably. Large bodies are split and joined by the transport.
    async fn publish(&self, events: &[Event]) -> Result<(), StreamError>;

    /// Opens (creating when absent) the consumer `spec.name`.
    async fn consumer(&self, spec: ConsumerSpec) -> Result<Box<dyn Consumer>, StreamError>;

    /// Depth and lag, for `/api/pipeline` and `/metrics`.
    async fn status(&self) -> Result<StreamStatus, StreamError>;

    /// Dead letters, newest first, after `cursor`.
    async fn list_dead_letters(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, StreamError>;

    /// One dead letter with its bytes.
    async fn find_dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StreamError>;

    /// Delivers the event again to the consumer that rejected it. False when there is none.
    async fn requeue_dead_letter(&self, id: &str) -> Result<bool, StreamError>;

    /// Forgets it for good. False when there is none.
    async fn drop_dead_letter(&self, id: &str) -> Result<bool, StreamError>;

    /// Removes all events and dead letters about these exchanges, settled or not, with their bodies;
    /// gives how many there were. A delivery that is with a consumer is not taken from it.
    async fn erase(&self, exchanges: &[ExchangeId]) -> Result<u64, StreamError>;
}

/// Bytes of events after which a pull takes no further one: a batch of large bodies must not fill
/// the memory.
pub const PULL_BYTES: usize = 4 << 20;

/// Bytes of events behind which a pull reads no more than it takes at one go: only small ones come in
/// large batches.
pub(crate) const SMALL_BYTES: usize = 2 << 20;

/// One open consumer.
#[async_trait]
pub trait Consumer: Send {
    /// Up to `max` deliveries; waits at most `wait` for the first one and then takes what is there, or
    /// the beginning of it: at the latest it stops behind the one that takes the sum beyond
    /// [`PULL_BYTES`]. An empty answer is no error.
    async fn pull(&mut self, max: usize, wait: Duration) -> Result<Vec<Delivery>, StreamError>;

    /// Settles deliveries of this consumer, durably, before it returns.
    async fn settle(&mut self, settled: Vec<(u64, Settle)>) -> Result<(), StreamError>;

    /// Still at work on these: their [`ConsumerSpec::ack_timeout`] begins anew.
    async fn extend(&mut self, tokens: &[u64]) -> Result<(), StreamError>;

    /// The end of the work: what this consumer was given and has not settled is delivered again to
    /// whoever pulls next, at once and not after [`ConsumerSpec::ack_timeout`]. After an error that
    /// happens when the consumer is opened again on the same stream.
    async fn give_back(&mut self) -> Result<(), StreamError>;
}

/// What a consumer is.
#[derive(Debug, Clone)]
pub struct ConsumerSpec {
    /// Durable name, shared by the instances of a role: `linker`, `storage`, `analysis`.
    pub name: String,
    /// Kinds it wants; never empty.
    pub kinds: Vec<Kind>,
    /// After which an unsettled delivery is delivered again.
    pub ack_timeout: Duration,
}

/// One event handed to one consumer instance.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Names the delivery towards [`Consumer::settle`].
    pub token: u64,
    /// How often this event was delivered to this consumer, from 1.
    pub attempt: u32,
    /// The event, or why its bytes can't be read.
    pub event: Result<Arc<Event>, Arc<DecodeError>>,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settle {
    /// Handled and committed.
    Ack,
    /// Deliver again, not before the delay is over.
    Nak(Duration),
    /// Never again: to the dead letters, with the reason.
    Reject(String),
}

/// An event that a consumer could not handle.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    pub id: String,
    pub consumer: String,
    pub message_id: String,
    /// Empty when the bytes could not be read so far.
    pub kind: String,
    pub reason: String,
    pub attempts: u32,
    pub at: Timestamp,
    /// The event as it was stored; only [`EventStream::find_dead_letter`] fills it.
    #[serde(skip)]
    pub payload: Bytes,
}

/// A keyset page.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

/// How the stream stands.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamStatus {
    /// `embedded` or `nats`.
    pub transport: &'static str,
    /// False when the transport cannot be reached; the other figures are then the last known.
    pub connected: bool,
    pub events: u64,
    pub bytes: u64,
    pub max_bytes: u64,
    pub dead_letters: u64,
    pub consumers: Vec<ConsumerStatus>,
}

/// How one consumer stands.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerStatus {
    pub name: String,
    /// Events not yet delivered.
    pub lag: u64,
    /// Delivered and not settled.
    pub unsettled: u64,
    pub redelivered: u64,
}

/// Why the stream did not do it.
#[derive(Debug, Error)]
pub enum StreamError {
    /// The stream is at its bound; try later. Nothing was discarded.
    #[error("the event stream is full")]
    Full,
    /// It can't be reached, or did not answer in time; try again.
    #[error("the event stream cannot be reached: {0}")]
    Unavailable(String),
    /// There is no room to make it; try again when there is.
    #[error("the event stream has no room: {0}")]
    NoRoom(String),
    /// Trying again will not help.
    #[error("the event stream refused: {0}")]
    Refused(String),
}

impl StreamError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}
