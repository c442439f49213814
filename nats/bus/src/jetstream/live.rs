//! Live events over NATS: plain subjects, nothing durable.

use std::sync::Arc;

use async_nats::{Client, connection::State};
use futures::StreamExt;
use nexus_contract::LiveEvent;
use tokio::{
    sync::{broadcast, mpsc},
    task::JoinHandle,
};

use crate::live::LiveBus;

const PREFIX: &str = "nexus.live";

/// Carries live events between processes.
pub struct NatsLiveBus {
    outgoing: mpsc::Sender<LiveEvent>,
    incoming: broadcast::Sender<Arc<LiveEvent>>,
    tasks: [JoinHandle<()>; 2],
}

impl NatsLiveBus {
    /// Keeps up to `capacity` events each way.
    pub(super) fn new(client: Client, capacity: usize) -> Self {
        let (outgoing, queue) = mpsc::channel(capacity);
        let incoming = broadcast::Sender::new(capacity);
        let tasks = [
            tokio::spawn(send(client.clone(), queue)),
            tokio::spawn(receive(client, incoming.clone())),
        ];
        Self { outgoing, incoming, tasks }
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
        self.incoming.subscribe()
    }
}

impl Drop for NatsLiveBus {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn send(client: Client, mut queue: mpsc::Receiver<LiveEvent>) {
    while let Some(event) = queue.recv().await {
        let sent = match serde_json::to_vec(&event) {
            // Without a connection the client would keep it for later, when it is no longer live.
            Ok(bytes) if client.connection_state() == State::Connected => {
                let subject = format!("{PREFIX}.{}", event.topic.as_str());
                client.publish(subject, bytes.into()).await.is_ok()
            }
            _ => false,
        };
        if !sent {
            lost();
        }
    }
}

async fn receive(client: Client, incoming: broadcast::Sender<Arc<LiveEvent>>) {
    // The client subscribes again by itself after a reconnection.
    let mut messages = match client.subscribe(format!("{PREFIX}.*")).await {
        Ok(messages) => messages,
        Err(error) => {
            tracing::error!(%error, "no live events: the subscription was refused");
            return;
        }
    };
    while let Some(message) = messages.next().await {
        match serde_json::from_slice(&message.payload) {
            // An error only says that nobody listens.
            Ok(event) => drop(incoming.send(Arc::new(event))),
            Err(error) => tracing::debug!(%error, "a live event of another version"),
        }
    }
}

fn lost() {
    metrics::counter!("nexus_live_dropped_total").increment(1);
}
