//! Batches of events into transactions, and verdicts out of what the store says.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use async_trait::async_trait;
use nexus_bus::{Handler, LiveBus, Verdict};
use nexus_contract::{Clock, Event, ExchangeId, Kind, LiveEvent, LiveTopic};
use nexus_messages::PriceTable;
use nexus_store::{
    ExchangeStore,
    exchanges::{ExchangePart, ExchangeRow, Facts},
    queries::RequestSummary,
};

use crate::prepare::{Work, prepare};

/// Raw bytes of bodies that one transaction stores; a larger body has one to itself.
const MAX_BATCH_BYTES: i64 = 48 << 20;

/// What the storage role works with.
#[derive(Clone)]
pub struct StorageDeps {
    pub store: Arc<dyn ExchangeStore>,
    pub live: Arc<dyn LiveBus>,
    pub prices: Arc<PriceTable>,
    pub clock: Arc<dyn Clock>,
}

/// Stores exchanges and follows their links.
pub struct StorageHandler {
    deps: StorageDeps,
}

/// One event on its way: what to do, or what became of it.
type Prepared = Result<Work, Verdict>;

impl StorageHandler {
    pub fn new(deps: StorageDeps) -> Self {
        Self { deps }
    }

    /// Reads the events where the CPU is theirs. A reader's panic is the event's fault alone.
    async fn prepare(&self, batch: &[Arc<Event>]) -> Vec<Prepared> {
        let (events, prices) = (batch.to_vec(), self.deps.prices.clone());
        let work = move || events.iter().map(|event| prepared(event, &prices)).collect();
        match tokio::task::spawn_blocking(work).await {
            Ok(prepared) => prepared,
            Err(error) => batch.iter().map(|_| Err(Verdict::Failed(error.to_string()))).collect(),
        }
    }

    /// Stores parts in as few transactions as their size allows.
    async fn write(&self, parts: Vec<(usize, ExchangePart)>, verdicts: &mut [Verdict]) {
        let mut waiting = Vec::new();
        let mut bytes = 0;
        for (index, part) in parts {
            let size = part.body.as_ref().map_or(0, |body| body.bytes);
            if bytes + size > MAX_BATCH_BYTES && !waiting.is_empty() {
                self.write_some(std::mem::take(&mut waiting), verdicts).await;
                bytes = 0;
            }
            bytes += size;
            waiting.push((index, part));
        }
        self.write_some(waiting, verdicts).await;
    }

    async fn write_some(&self, parts: Vec<(usize, ExchangePart)>, verdicts: &mut [Verdict]) {
        let (indices, parts): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        if parts.is_empty() {
            return;
        }
        match self.deps.store.write_exchanges(&parts).await {
            Ok(rows) => self.announce(&rows, &parts),
            Err(error) if error.is_transient() || parts.len() == 1 => {
                for index in indices {
                    verdicts[index] = Verdict::of_error(&error, error.is_transient());
                }
            }
            // One of them cannot be stored: the others can.
            Err(_) => {
                for (index, part) in indices.into_iter().zip(parts) {
                    Box::pin(self.write_some(vec![(index, part)], verdicts)).await;
                }
            }
        }
    }

    async fn link(&self, links: Vec<(usize, Vec<ExchangeId>)>, verdicts: &mut [Verdict]) {
        let mut ids: Vec<_> = links.iter().flat_map(|(_, ids)| ids).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        match self.deps.store.apply_links(&ids).await {
            Ok(rows) => self.announce(&rows, &[]),
            Err(error) => {
                for (index, _) in links {
                    verdicts[index] = Verdict::of_error(&error, error.is_transient());
                }
            }
        }
    }

    fn announce(&self, rows: &[ExchangeRow], parts: &[ExchangePart]) {
        for row in rows {
            let data = serde_json::to_value(RequestSummary::from(row)).unwrap_or_default();
            self.publish(LiveTopic::Stored, row, data);
        }
        for part in parts {
            let row = rows.iter().find(|row| row.id() == part.id);
            let (Facts::Response(facts), Some(row)) = (&part.facts, row) else { continue };
            if !facts.windows.is_empty() {
                let data = serde_json::json!({ "accountId": row.account_id });
                self.publish(LiveTopic::Window, row, data);
            }
        }
    }

    fn publish(&self, topic: LiveTopic, row: &ExchangeRow, data: serde_json::Value) {
        let at = self.deps.clock.now();
        let domain = row.domain.clone();
        self.deps.live.publish(LiveEvent { topic, id: Some(row.id()), at, domain, data });
    }
}

#[async_trait]
impl Handler for StorageHandler {
    fn name(&self) -> &'static str {
        "storage"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::RequestReceived, Kind::ResponseFinished, Kind::Linked]
    }

    async fn handle(&self, batch: &[Arc<Event>]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Done; batch.len()];
        let (mut parts, mut links) = (Vec::new(), Vec::new());
        for (index, prepared) in self.prepare(batch).await.into_iter().enumerate() {
            match prepared {
                Ok(Work::Write(part)) => parts.push((index, *part)),
                Ok(Work::Link(ids)) => links.push((index, ids)),
                Ok(Work::Nothing) => {}
                Err(verdict) => verdicts[index] = verdict,
            }
        }
        self.write(parts, &mut verdicts).await;
        if !links.is_empty() {
            self.link(links, &mut verdicts).await;
        }
        count(&verdicts);
        verdicts
    }
}

fn prepared(event: &Event, prices: &PriceTable) -> Prepared {
    let id = event.message_id();
    match catch_unwind(AssertUnwindSafe(|| prepare(event, prices))) {
        Ok(Ok(work)) => Ok(work),
        Ok(Err(error)) => Err(Verdict::Reject(error.to_string())),
        Err(_panic) => Err(Verdict::Failed(format!("reading {id} panicked"))),
    }
}

fn count(verdicts: &[Verdict]) {
    for verdict in verdicts {
        let outcome = match verdict {
            Verdict::Done => "done",
            Verdict::Later(_) => "later",
            Verdict::Failed(_) => "failed",
            Verdict::Reject(_) => "rejected",
        };
        metrics::counter!("nexus_storage_events_total", "outcome" => outcome).increment(1);
    }
}
