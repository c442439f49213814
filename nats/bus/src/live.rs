//! Live subjects: fire and forget, bounded, lossy by design.

use nexus_contract::LiveEvent;
use tokio::sync::broadcast;

/// Carries live events between the roles: within the process, or over NATS.
///
/// [`publish`](Self::publish) never waits and never fails; when nobody listens or a queue is full,
/// events are lost and counted (`nexus_live_dropped_total`).
pub trait LiveBus: Send + Sync + 'static {
    fn publish(&self, event: LiveEvent);

    /// Everything published from now on. A slow reader skips the oldest events.
    fn subscribe(&self) -> broadcast::Receiver<LiveEvent>;
}

/// The live bus of a single process.
#[derive(Debug, Clone)]
pub struct LocalLiveBus(broadcast::Sender<LiveEvent>);

impl LocalLiveBus {
    /// Keeps up to `capacity` events for the slowest reader.
    pub fn new(capacity: usize) -> Self {
        Self(broadcast::Sender::new(capacity))
    }
}

impl LiveBus for LocalLiveBus {
    fn publish(&self, event: LiveEvent) {
        // An error only says that nobody listens.
        drop(self.0.send(event));
    }

    fn subscribe(&self) -> broadcast::Receiver<LiveEvent> {
        self.0.subscribe()
    }
}
