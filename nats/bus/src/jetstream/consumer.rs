//! One instance of a durable pull consumer.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    sync::Arc,
    time::Duration,
};

use async_nats::{
    Subject,
    jetstream::{
        AckKind, Message,
        consumer::{PullConsumer, pull},
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future, stream};
use nexus_contract::{DecodeError, Event, codec};

use super::{
    Server,
    chunks::{self, Chunk},
    error::{Failed, unavailable},
    letters::{self, Rejected},
    topology::{self, CHUNKS},
};
use crate::stream::{
    Consumer, ConsumerSpec, Delivery, PULL_BYTES, SMALL_BYTES, Settle, StreamError,
};

/// Messages asked for at a time: they are in memory together, however large they are.
const MAX_FETCH: usize = 128;

/// Deliveries of one pull. All of them may be under way to be settled, or without a server each part
/// would wait for its time-out by itself.
const MAX_PULL: usize = 1_024;

/// Deliveries that are remembered. Older ones were delivered to someone else long ago.
const MAX_HELD: usize = 20_000;

/// How much longer than asked the server may take to answer a pull.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long messages of a pull that was given up may still be on their way.
const LATE: Duration = Duration::from_millis(100);

pub(super) struct NatsConsumer {
    server: Server,
    name: String,
    consumer: PullConsumer,
    held: BTreeMap<u64, Held>,
    next_token: u64,
    /// The last pull; after a shutdown, messages that nobody read so far may be in it.
    batch: Option<pull::Batch>,
    /// Pulled, and kept for the next time because of their size.
    rest: VecDeque<Message>,
}

/// What is needed to settle a delivery.
#[derive(Clone)]
struct Held {
    reply: Subject,
    payload: Bytes,
    chunk_names: Vec<String>,
    message_id: String,
    kind: String,
    attempt: u32,
}

impl NatsConsumer {
    pub async fn open(server: Server, spec: ConsumerSpec) -> Result<Self, StreamError> {
        let stream = server.stream(topology::EVENTS).await?;
        let config: pull::Config = topology::consumer(&spec);
        let consumer = stream.create_consumer(config).await.map_err(unavailable)?;
        server.given_up.tell_or_forget(&server.client).await;
        Ok(Self {
            server,
            name: spec.name,
            consumer,
            held: BTreeMap::new(),
            next_token: 1,
            batch: None,
            rest: VecDeque::new(),
        })
    }

    /// Fetches until `max` messages are kept, or they are not small any more, or there are no others:
    /// a transaction of the store has room for more small ones than may be asked for at a time.
    async fn fill(&mut self, max: usize) -> Result<(), StreamError> {
        while self.rest.len() < max && self.kept_bytes() < SMALL_BYTES {
            let (before, wanted) = (self.rest.len(), (max - self.rest.len()).min(MAX_FETCH));
            self.fetch(wanted).await?;
            if self.rest.len() < before + wanted {
                break;
            }
        }
        Ok(())
    }

    fn kept_bytes(&self) -> usize {
        self.rest.iter().map(|message| message.payload.len()).sum()
    }

    /// What is there now. Without a time to expire at, or the server would wait until then.
    async fn fetch(&mut self, max: usize) -> Result<(), StreamError> {
        let batch = self.consumer.fetch().max_messages(max).messages();
        self.batch = Some(batch.await.map_err(unavailable)?);
        self.read_batch(PATIENCE).await
    }

    /// The first that comes within `wait`.
    async fn wait(&mut self, wait: Duration) -> Result<(), StreamError> {
        let batch = self.consumer.batch().max_messages(1).expires(wait).messages();
        self.batch = Some(batch.await.map_err(unavailable)?);
        self.read_batch(wait + PATIENCE).await
    }

    /// Each message into the rest as it comes: a pull that fails or is given up loses none.
    async fn read_batch(&mut self, patience: Duration) -> Result<(), StreamError> {
        let Self { batch: Some(batch), rest, .. } = self else { return Ok(()) };
        let reading = batch.try_for_each(|message| {
            rest.push_back(message);
            future::ready(Ok(()))
        });
        match tokio::time::timeout(patience, reading).await {
            Ok(read) => read.map_err(unavailable),
            Err(_elapsed) => Err(unavailable("a pull got no answer")),
        }
    }

    /// What goes into one pull; the chunks of large bodies are fetched only now.
    async fn deliver_rest(&mut self, max: usize) -> Result<Vec<Delivery>, StreamError> {
        let mut deliveries = Vec::new();
        let mut bytes = 0;
        while deliveries.len() < max && bytes < PULL_BYTES {
            let Some(message) = self.rest.pop_front() else { break };
            let delivery = self.deliver(message).await?;
            let body = delivery.event.as_ref().ok().and_then(|event| event.body.as_ref());
            bytes += body.map_or(0, |body| body.compressed().len());
            deliveries.push(delivery);
        }
        Ok(deliveries)
    }

    async fn deliver(&mut self, message: Message) -> Result<Delivery, StreamError> {
        let held = hold(&message)?;
        let token = self.next_token;
        self.next_token += 1;
        // Before its chunks are read: what fails there is given back like the others.
        self.held.insert(token, held.clone());
        while self.held.len() > MAX_HELD {
            self.held.pop_first();
        }
        let event = self.read(&held).await?;
        Ok(Delivery { token, attempt: held.attempt, event })
    }

    /// The event, with its chunks fetched.
    async fn read(&self, held: &Held) -> Result<Result<Arc<Event>, Arc<DecodeError>>, StreamError> {
        match self.chunks(held).await {
            Ok(parts) => {
                let wire = chunks::join(&held.payload, &parts);
                Ok(codec::decode(&wire).map(Arc::new).map_err(Arc::new))
            }
            Err(Failed::Missing(name)) => Ok(Err(Arc::new(DecodeError::MissingChunk(name)))),
            Err(Failed::Stream(error)) => Err(error),
        }
    }

    async fn chunks(&self, held: &Held) -> Result<Vec<Chunk>, Failed> {
        if held.chunk_names.is_empty() {
            return Ok(Vec::new());
        }
        let store = self.server.stream(CHUNKS).await.map_err(Failed::Stream)?;
        chunks::fetch(&store, &held.chunk_names, topology::chunk_subject).await
    }

    async fn settle_one(&self, held: Held, settle: Settle) -> Result<(), StreamError> {
        let kind = match settle {
            Settle::Ack => AckKind::Ack,
            Settle::Nak(delay) => AckKind::Nak(Some(delay)),
            Settle::Reject(reason) => {
                self.bury(&held, &reason).await?;
                AckKind::Term
            }
        };
        // With a reply: without one, an acknowledgement that got lost would go unnoticed.
        self.server.client.request(held.reply, kind.into()).await.map_err(unavailable)?;
        Ok(())
    }

    async fn bury(&self, held: &Held, reason: &str) -> Result<(), StreamError> {
        let chunks = match self.chunks(held).await {
            Ok(chunks) => chunks,
            Err(Failed::Missing(_)) => Vec::new(),
            Err(Failed::Stream(error)) => return Err(error),
        };
        let letter = Rejected {
            consumer: &self.name,
            message_id: &held.message_id,
            kind: &held.kind,
            reason,
            attempts: held.attempt,
            payload: held.payload.clone(),
            chunks,
        };
        letters::write(&self.server, letter).await
    }
}

#[async_trait]
impl Consumer for NatsConsumer {
    async fn pull(&mut self, max: usize, wait: Duration) -> Result<Vec<Delivery>, StreamError> {
        self.server.ready().await?;
        let max = max.clamp(1, MAX_PULL);
        if self.rest.is_empty() {
            self.fill(max).await?;
        }
        if self.rest.is_empty() && !wait.is_zero() {
            self.wait(wait).await?;
            if !self.rest.is_empty() {
                self.fill(max).await?;
            }
        }
        self.deliver_rest(max).await
    }

    async fn settle(&mut self, settled: Vec<(u64, Settle)>) -> Result<(), StreamError> {
        let held: Vec<_> = settled
            .into_iter()
            .filter_map(|(token, settle)| Some((token, self.held.get(&token)?.clone(), settle)))
            .collect();
        let this = &*self;
        let each = stream::iter(held).map(|(token, held, settle)| async move {
            (token, this.settle_one(held, settle).await)
        });
        let results: Vec<_> = each.buffer_unordered(MAX_PULL).collect().await;
        let mut outcome = Ok(());
        for (token, result) in results {
            // One that fails, a dead letter without room perhaps, must not bring its neighbours back.
            match result {
                Ok(()) => drop(self.held.remove(&token)),
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    async fn extend(&mut self, tokens: &[u64]) -> Result<(), StreamError> {
        for held in tokens.iter().filter_map(|token| self.held.get(token)) {
            let progress = self.server.client.publish(held.reply.clone(), AckKind::Progress.into());
            progress.await.map_err(unavailable)?;
        }
        Ok(())
    }

    async fn give_back(&mut self) -> Result<(), StreamError> {
        if let Err(error) = self.read_batch(LATE).await {
            tracing::debug!(%error, "nothing more came of the last pull");
        }
        // Or what is given back would come to it.
        self.batch = None;
        let rest = self.rest.drain(..).filter_map(|message| message.message.reply);
        let held = mem::take(&mut self.held).into_values().map(|held| held.reply);
        self.server.given_up.add(rest.chain(held));
        self.server.given_up.tell(&self.server.client).await
    }
}

fn hold(message: &Message) -> Result<Held, StreamError> {
    let info = message.info().map_err(unavailable)?;
    let header = |name: &str| {
        let headers = message.headers.as_ref()?;
        headers.get(name).map(|value| value.as_str().to_owned())
    };
    let kind = message.subject.strip_prefix("nexus.events.").unwrap_or_default();
    Ok(Held {
        attempt: u32::try_from(info.delivered).unwrap_or(u32::MAX),
        message_id: header("Nats-Msg-Id").unwrap_or_else(|| info.stream_sequence.to_string()),
        kind: if kind.starts_with("requeued.") { String::new() } else { kind.to_owned() },
        chunk_names: chunks::names(message.headers.as_ref()),
        payload: message.payload.clone(),
        reply: message.reply.clone().ok_or_else(|| unavailable("a message without a reply"))?,
    })
}
