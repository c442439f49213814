//! Live subjects: fire and forget, bounded, lossy by design.

use std::{sync::Arc, time::Duration};

use nexus_contract::{LiveEvent, LiveTopic};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::sleep,
};

/// Carries live events between the roles: within the process, or over NATS.
///
/// [`publish`](Self::publish) never waits and never fails; when nobody listens or a queue is full,
/// events are lost and counted (`nexus_live_dropped_total`).
pub trait LiveBus: Send + Sync + 'static {
    fn publish(&self, event: LiveEvent);

    /// Everything published from now on, over NATS from when the server knows of the process's first
    /// listener. A slow reader skips the oldest events.
    fn subscribe(&self) -> broadcast::Receiver<Arc<LiveEvent>>;

    /// For who needs those of one topic alone; others may be among them.
    fn subscribe_to(&self, _topic: LiveTopic) -> broadcast::Receiver<Arc<LiveEvent>> {
        self.subscribe()
    }
}

/// The live bus of a single process.
#[derive(Debug, Clone)]
pub struct LocalLiveBus {
    all: broadcast::Sender<Arc<LiveEvent>>,
    /// Those of [`LiveTopic::Watch`] once more: they are few, and who hears them alone would otherwise
    /// look at several others of every exchange.
    wishes: broadcast::Sender<Arc<LiveEvent>>,
}

/// Wishes kept for the slowest reader; a lost one comes again.
const WISHES: usize = 64;

impl LocalLiveBus {
    /// Keeps up to `capacity` events for the slowest reader.
    pub fn new(capacity: usize) -> Self {
        Self { all: broadcast::Sender::new(capacity), wishes: broadcast::Sender::new(WISHES) }
    }
}

impl LiveBus for LocalLiveBus {
    fn publish(&self, event: LiveEvent) {
        let event = Arc::new(event);
        // Errors only say that nobody listens.
        if event.topic == LiveTopic::Watch {
            drop(self.wishes.send(event.clone()));
        }
        drop(self.all.send(event));
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<LiveEvent>> {
        self.all.subscribe()
    }

    fn subscribe_to(&self, topic: LiveTopic) -> broadcast::Receiver<Arc<LiveEvent>> {
        if topic == LiveTopic::Watch { self.wishes.subscribe() } else { self.subscribe() }
    }
}

/// How long a listener that has just heard something does not ask to be woken.
pub(crate) const PAUSE: Duration = Duration::from_millis(10);

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

    /// Hears at least those of the topic.
    pub fn about(bus: &dyn LiveBus, topic: LiveTopic) -> Self {
        Self { events: bus.subscribe_to(topic), heard: false }
    }

    /// The next event, at most a pause late. Nothing is lost when this is dropped before its end.
    ///
    /// # Errors
    /// Those of [`broadcast::Receiver::recv`].
    pub async fn recv(&mut self) -> Result<Arc<LiveEvent>, RecvError> {
        if self.events.is_empty() && std::mem::take(&mut self.heard) {
            sleep(PAUSE).await;
        }
        let event = self.events.recv().await;
        self.heard = true;
        event
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::time::timeout;

    use super::*;

    fn event(number: u64) -> LiveEvent {
        let (topic, at) = (LiveTopic::Started, Timestamp::UNIX_EPOCH);
        LiveEvent::new(topic, None, at, &number.to_string(), &())
    }

    #[tokio::test]
    async fn all_is_heard_in_order_also_when_waits_are_given_up() {
        const EVENTS: u64 = 50;
        let bus = LocalLiveBus::new(64);
        let mut listener = Listener::new(&bus);
        let tell = async {
            for number in 0..EVENTS {
                bus.publish(event(number));
                sleep(Duration::from_millis(number % 4)).await;
            }
        };
        let hear = async {
            let mut heard = Vec::new();
            while heard.len() < 50 {
                // Shorter than the pause: as when something else comes first in a `select!`.
                if let Ok(event) = timeout(PAUSE / 5, listener.recv()).await {
                    heard.push(event.expect("none is lost").domain.clone());
                }
            }
            heard
        };
        let both = async { tokio::join!(tell, hear) };
        let ((), heard) = timeout(Duration::from_secs(10), both).await.expect("all are heard");
        let told: Vec<String> = (0..EVENTS).map(|number| number.to_string()).collect();
        assert_eq!(heard, told);
    }

    #[tokio::test]
    async fn who_hears_wishes_alone_is_spared_the_others() {
        let bus = LocalLiveBus::new(4);
        let mut wishes = Listener::about(&bus, LiveTopic::Watch);
        let mut all = Listener::new(&bus);
        bus.publish(event(1));
        bus.publish(LiveEvent { topic: LiveTopic::Watch, ..event(2) });
        bus.publish(event(3));
        assert_eq!(wishes.recv().await.expect("heard").domain, "2");
        for number in ["1", "2", "3"] {
            assert_eq!(all.recv().await.expect("heard").domain, number);
        }
        drop(bus);
        assert_eq!(wishes.recv().await.map(drop), Err(RecvError::Closed), "and nothing else came");
    }

    #[tokio::test]
    async fn a_listener_that_is_behind_hears_how_much_it_missed_and_then_of_the_end() {
        let bus = LocalLiveBus::new(2);
        let mut listener = Listener::new(&bus);
        for number in 0..5 {
            bus.publish(event(number));
        }
        assert_eq!(listener.recv().await.map(drop), Err(RecvError::Lagged(3)));
        for number in ["3", "4"] {
            assert_eq!(listener.recv().await.expect("kept").domain, number);
        }
        drop(bus);
        assert_eq!(listener.recv().await.map(drop), Err(RecvError::Closed));
    }
}
