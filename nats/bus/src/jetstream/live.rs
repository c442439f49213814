//! Live events over NATS: plain subjects, nothing durable.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_nats::{Client, connection::State};
use futures::StreamExt;
use nexus_contract::{LiveEvent, LiveTopic};
use tokio::{
    runtime::Handle,
    sync::{broadcast, mpsc},
    task::JoinHandle,
    time::sleep,
};

use crate::live::{LiveBus, PAUSE};

const PREFIX: &str = "nexus.live";

/// Events sent before the next rest.
const AT_ONCE: usize = 1_024;

/// Carries live events between processes.
pub struct NatsLiveBus {
    client: Client,
    runtime: Handle,
    capacity: usize,
    outgoing: mpsc::Sender<LiveEvent>,
    sending: JoinHandle<()>,
    /// By subject, each from its first listener on: a process is spared the events, several of every
    /// exchange, that nobody in it asked for.
    incoming: Mutex<HashMap<String, Incoming>>,
}

struct Incoming {
    events: broadcast::Sender<Arc<LiveEvent>>,
    receiving: JoinHandle<()>,
}

impl NatsLiveBus {
    /// Keeps up to `capacity` events each way.
    pub(super) fn new(client: Client, capacity: usize) -> Self {
        let (outgoing, queue) = mpsc::channel(capacity);
        let runtime = Handle::current();
        let sending = runtime.spawn(send(client.clone(), queue));
        Self { client, runtime, capacity, outgoing, sending, incoming: Mutex::default() }
    }

    fn listen(&self, subject: String) -> broadcast::Receiver<Arc<LiveEvent>> {
        let mut incoming = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        let one = incoming.entry(subject).or_insert_with_key(|subject| {
            let events = broadcast::Sender::new(self.capacity);
            let receiving = receive(self.client.clone(), subject.clone(), events.clone());
            Incoming { events, receiving: self.runtime.spawn(receiving) }
        });
        one.events.subscribe()
    }
}

impl LiveBus for NatsLiveBus {
    fn publish(&self, event: LiveEvent) {
        if self.outgoing.try_send(event).is_err() {
            lost();
        }
    }

    /// The process's own events come back from the server like everyone else's.
    fn subscribe(&self) -> broadcast::Receiver<Arc<LiveEvent>> {
        self.listen(format!("{PREFIX}.*"))
    }

    fn subscribe_to(&self, topic: LiveTopic) -> broadcast::Receiver<Arc<LiveEvent>> {
        self.listen(subject(topic))
    }
}

impl Drop for NatsLiveBus {
    fn drop(&mut self) {
        self.sending.abort();
        let incoming = self.incoming.get_mut().unwrap_or_else(PoisonError::into_inner);
        for one in incoming.values() {
            one.receiving.abort();
        }
    }
}

fn subject(topic: LiveTopic) -> String {
    format!("{PREFIX}.{}", topic.as_str())
}

/// Sends what there is and rests, as a [`Listener`](crate::live::Listener) does: meanwhile nobody who
/// publishes has to wake it.
async fn send(client: Client, mut queue: mpsc::Receiver<LiveEvent>) {
    let mut events = Vec::new();
    while queue.recv_many(&mut events, AT_ONCE).await > 0 {
        for event in events.drain(..) {
            send_one(&client, &event).await;
        }
        sleep(PAUSE).await;
    }
}

async fn send_one(client: &Client, event: &LiveEvent) {
    let sent = match serde_json::to_vec(event) {
        // Without a connection the client would keep it for later, when it is no longer live.
        Ok(bytes) if client.connection_state() == State::Connected => {
            client.publish(subject(event.topic), bytes.into()).await.is_ok()
        }
        _ => false,
    };
    if !sent {
        lost();
    }
}

async fn receive(client: Client, subject: String, events: broadcast::Sender<Arc<LiveEvent>>) {
    // The client subscribes again by itself after a reconnection.
    let mut messages = match client.subscribe(subject).await {
        Ok(messages) => messages,
        Err(error) => {
            tracing::error!(%error, "no live events: the subscription was refused");
            return;
        }
    };
    while let Some(message) = messages.next().await {
        match serde_json::from_slice(&message.payload) {
            // An error only says that nobody listens.
            Ok(event) => drop(events.send(Arc::new(event))),
            Err(error) => tracing::debug!(%error, "a live event of another version"),
        }
    }
}

fn lost() {
    metrics::counter!("nexus_live_dropped_total").increment(1);
}
