//! Batches of events into facts, facts into links, and verdicts out of what the store says.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use async_trait::async_trait;
use nexus_bus::{EventStream, Handler, LiveBus, Verdict};
use nexus_contract::{Clock, Event, Kind};
use nexus_linking::{Fact, Method};
use nexus_store::LinkStore;

use crate::announce::Announcer;

/// Facts of one transaction: enough to share its commit and to have most answers beside their requests,
/// few enough to leave others their turn.
const MAX_FACTS: usize = 512;

/// What the linker role works with.
#[derive(Clone)]
pub struct LinkerDeps {
    pub store: Arc<dyn LinkStore>,
    pub stream: Arc<dyn EventStream>,
    pub live: Arc<dyn LiveBus>,
    pub clock: Arc<dyn Clock>,
    /// Name of this instance, in the events that it publishes.
    pub instance: String,
}

/// Links exchanges.
pub struct LinkerHandler {
    store: Arc<dyn LinkStore>,
    announcer: Announcer,
}

impl LinkerHandler {
    pub fn new(deps: LinkerDeps) -> Self {
        Self { store: deps.store.clone(), announcer: Announcer::new(deps) }
    }

    /// Links facts, all in one commit; when one of them is refused, each by itself.
    async fn link(&self, facts: Vec<(usize, Fact)>, verdicts: &mut [Verdict]) {
        let (indices, facts): (Vec<_>, Vec<_>) = facts.into_iter().unzip();
        if facts.is_empty() {
            return;
        }
        match self.store.link(&facts).await {
            Ok(changes) => count(&changes.first),
            Err(error) if error.can_wait() || facts.len() == 1 => {
                for index in indices {
                    verdicts[index] = Verdict::of_error(&error, error.can_wait());
                }
            }
            Err(_) => {
                for one in indices.into_iter().zip(facts) {
                    Box::pin(self.link(vec![one], verdicts)).await;
                }
            }
        }
    }
}

#[async_trait]
impl Handler for LinkerHandler {
    fn name(&self) -> &'static str {
        "linker"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::RequestReceived, Kind::ResponseFinished]
    }

    fn max_batch(&self) -> usize {
        MAX_FACTS
    }

    async fn handle(&self, batch: &[Arc<Event>]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Done; batch.len()];
        let mut facts = Vec::with_capacity(batch.len());
        for (index, read) in read_all(batch).await.into_iter().enumerate() {
            match read {
                Ok(Some(fact)) => facts.push((index, fact)),
                Ok(None) => {}
                Err(verdict) => verdicts[index] = verdict,
            }
        }
        self.link(facts, &mut verdicts).await;
        // What is not announced now is announced with the next batch: the commit stands.
        if let Err(error) = self.announcer.publish().await {
            tracing::warn!(%error, "links are committed but not announced yet");
        }
        verdicts
    }
}

/// Counts exchanges that were linked for the first time.
fn count(methods: &[Method]) {
    for method in methods {
        metrics::counter!("nexus_linker_links_total", "method" => method.as_str()).increment(1);
    }
}

type Read = Result<Option<Fact>, Verdict>;

/// Reads the events where the CPU is theirs. A reader's panic is the event's fault alone.
async fn read_all(batch: &[Arc<Event>]) -> Vec<Read> {
    let events = batch.to_vec();
    let work = move || events.iter().map(|event| read(event)).collect();
    match tokio::task::spawn_blocking(work).await {
        Ok(facts) => facts,
        Err(error) => batch.iter().map(|_| Err(Verdict::Failed(error.to_string()))).collect(),
    }
}

fn read(event: &Event) -> Read {
    let id = event.message_id();
    match catch_unwind(AssertUnwindSafe(|| Fact::of_event(event))) {
        Ok(Ok(fact)) => Ok(fact),
        Ok(Err(error)) => Err(Verdict::Reject(format!("{id}: {error}"))),
        Err(_panic) => Err(Verdict::Failed(format!("reading {id} panicked"))),
    }
}
