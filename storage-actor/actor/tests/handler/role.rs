//! A storage role without a stream.

use std::sync::Arc;

use nexus_bus::{Handler, LiveBus, LocalLiveBus, Verdict};
use nexus_contract::{Event, LiveEvent, ManualClock};
use nexus_messages::PriceTable;
use nexus_storage::{StorageDeps, StorageHandler};
use nexus_store::ExchangeStore;
use tokio::sync::broadcast::Receiver;

pub struct Role {
    pub handler: StorageHandler,
    pub live: Receiver<Arc<LiveEvent>>,
}

impl Role {
    pub fn on(store: Arc<dyn ExchangeStore>) -> Self {
        let live = LocalLiveBus::new(4_096);
        let clock = ManualClock::new("2026-11-23T09:00:00Z".parse().expect("a time"));
        let deps = StorageDeps {
            store,
            live: Arc::new(live.clone()),
            prices: Arc::new(PriceTable::listed()),
            clock: Arc::new(clock),
        };
        Self { handler: StorageHandler::new(deps), live: live.subscribe() }
    }

    pub async fn handle(&self, events: Vec<Event>) -> Vec<Verdict> {
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        self.handler.handle(&events).await
    }
}

/// The lines of a recorded session.
pub fn capture(name: &str) -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../linker-actor/linking/captures");
    let text = std::fs::read_to_string(format!("{folder}/{name}.jsonl")).expect("a recording");
    text.lines().map(str::to_owned).collect()
}
