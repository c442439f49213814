//! Live subjects: fire and forget, bounded, lossy by design.

use std::{sync::Arc, time::Duration};

use nexus_contract::LiveEvent;
use tokio::{
    sync::broadcast::{
        self,
        error::{RecvError, TryRecvError},
    },
    time::sleep,
};

/// Carries live events between the roles: within the process, or over NATS.
///
/// [`publish`](Self::publish) never waits and never fails; when nobody listens or a queue is full,
/// events are lost and counted (`nexus_live_dropped_total`).
pub trait LiveBus: Send + Sync + 'static {
    fn publish(&self, event: LiveEvent);

    /// Everything published from now on. A slow reader skips the oldest events.
    fn subscribe(&self) -> broadcast::Receiver<Arc<LiveEvent>>;
}

/// The live bus of a single process.
#[derive(Debug, Clone)]
pub struct LocalLiveBus(broadcast::Sender<Arc<LiveEvent>>);

impl LocalLiveBus {
    /// Keeps up to `capacity` events for the slowest reader.
    pub fn new(capacity: usize) -> Self {
        Self(broadcast::Sender::new(capacity))
    }
}

impl LiveBus for LocalLiveBus {
    fn publish(&self, event: LiveEvent) {
        // An error only says that nobody listens.
        drop(self.0.send(Arc::new(event)));
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<LiveEvent>> {
        self.0.subscribe()
    }
}

/// How long a listener that has just heard something does not ask to be woken.
const PAUSE: Duration = Duration::from_millis(10);

/// Hears all events, those of a busy time in batches: waking a thread is a system call on the way of
/// the request that the event tells of.
pub struct Listener {
    events: broadcast::Receiver<Arc<LiveEvent>>,
    heard: bool,
}

impl Listener {
    pub fn new(bus: &dyn LiveBus) -> Self {
        Self { events: bus.subscribe(), heard: false }
    }

    /// The next event, at most a pause late. Nothing is lost when this is dropped before its end.
    ///
    /// # Errors
    /// Those of [`broadcast::Receiver::recv`].
    pub async fn recv(&mut self) -> Result<Arc<LiveEvent>, RecvError> {
        loop {
            match self.events.try_recv() {
                Err(TryRecvError::Empty) if std::mem::take(&mut self.heard) => sleep(PAUSE).await,
                Err(TryRecvError::Empty) => break,
                Ok(event) => {
                    self.heard = true;
                    return Ok(event);
                }
                Err(TryRecvError::Lagged(lost)) => return Err(RecvError::Lagged(lost)),
                Err(TryRecvError::Closed) => return Err(RecvError::Closed),
            }
        }
        let event = self.events.recv().await;
        self.heard = true;
        event
    }
}
