//! Batches of events into transactions, and verdicts out of what the store says.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use async_trait::async_trait;
use nexus_bus::{Handler, LiveBus, Verdict};
use nexus_contract::{Body, Clock, Event, ExchangeId, Kind, LiveEvent, LiveTopic};
use nexus_messages::PriceTable;
use nexus_store::{
    ExchangeStore,
    exchanges::{ExchangePart, ExchangeRow, Facts},
    queries::RequestSummary,
};
use serde::Serialize;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use crate::{
    pieces::pieces,
    prepare::{Work, prepare},
};

/// Events of a batch, several transactions' worth: the next are read while these are written.
const MAX_BATCH: usize = 1_024;

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

    /// Begins to read the events, where the CPU is theirs. A reader's panic is the event's fault alone.
    fn prepare(&self, events: &[Arc<Event>]) -> JoinHandle<Vec<Prepared>> {
        let (events, prices) = (events.to_vec(), self.deps.prices.clone());
        spawn_blocking(move || events.iter().map(|event| prepared(event, &prices)).collect())
    }

    async fn write(&self, parts: Vec<(usize, ExchangePart)>, verdicts: &mut [Verdict]) {
        let (indices, parts): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        if parts.is_empty() {
            return;
        }
        match self.deps.store.write_exchanges(&parts).await {
            Ok(rows) => self.announce(&rows, &parts),
            Err(error) if error.can_wait() || parts.len() == 1 => {
                for index in indices {
                    verdicts[index] = Verdict::of_error(&error, error.can_wait());
                }
            }
            // One of them cannot be stored: the others can.
            Err(_) => {
                for (index, part) in indices.into_iter().zip(parts) {
                    Box::pin(self.write(vec![(index, part)], verdicts)).await;
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
                    verdicts[index] = Verdict::of_error(&error, error.can_wait());
                }
            }
        }
    }

    fn announce(&self, rows: &[ExchangeRow], parts: &[ExchangePart]) {
        for row in rows {
            self.publish(LiveTopic::Stored, row, &RequestSummary::from(row));
        }
        for part in parts {
            let row = rows.iter().find(|row| row.id() == part.id);
            let (Facts::Response(facts), Some(row)) = (&part.facts, row) else { continue };
            if !facts.windows.is_empty() {
                let data = serde_json::json!({ "accountId": row.account_id });
                self.publish(LiveTopic::Window, row, &data);
            }
        }
    }

    fn publish(&self, topic: LiveTopic, row: &ExchangeRow, data: &impl Serialize) {
        let at = self.deps.clock.now();
        self.deps.live.publish(LiveEvent::new(topic, Some(row.id()), at, &row.domain, data));
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

    fn max_batch(&self) -> usize {
        MAX_BATCH
    }

    async fn handle(&self, batch: &[Arc<Event>]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Done; batch.len()];
        let mut links = Vec::new();
        let mut pieces = pieces(batch, |event| event.body.as_ref().map_or(0, Body::len));
        let mut next = pieces.next().map(|piece| (piece.len(), self.prepare(piece)));
        let mut indices = 0..;
        while let Some((length, reading)) = next {
            let read = each(reading.await, length);
            next = pieces.next().map(|piece| (piece.len(), self.prepare(piece)));
            let mut parts = Vec::new();
            for (prepared, index) in read.into_iter().zip(&mut indices) {
                match prepared {
                    Ok(Work::Write(part)) => parts.push((index, *part)),
                    Ok(Work::Link(ids)) => links.push((index, ids)),
                    Ok(Work::Nothing) => {}
                    Err(verdict) => verdicts[index] = verdict,
                }
            }
            self.write(parts, &mut verdicts).await;
        }
        if !links.is_empty() {
            self.link(links, &mut verdicts).await;
        }
        count(&verdicts);
        verdicts
    }
}

/// One result per event, whatever became of the reader.
fn each(read: Result<Vec<Prepared>, JoinError>, events: usize) -> Vec<Prepared> {
    read.unwrap_or_else(|error| {
        (0..events).map(|_| Err(Verdict::Failed(error.to_string()))).collect()
    })
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
    // To look for a counter costs more than to count: once for all that are alike.
    for alike in verdicts.chunk_by(|one, next| outcome(one) == outcome(next)) {
        metrics::counter!("nexus_storage_events_total", "outcome" => outcome(&alike[0]))
            .increment(alike.len() as u64);
    }
}

const fn outcome(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Done => "done",
        Verdict::Later(_) => "later",
        Verdict::Failed(_) => "failed",
        Verdict::Reject(_) => "rejected",
    }
}
