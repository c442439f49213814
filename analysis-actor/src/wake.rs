//! What makes the worker look at the queue before its next poll.

use std::sync::Arc;

use async_trait::async_trait;
use nexus_bus::{Handler, Listener, Verdict};
use nexus_contract::{Event, Kind, LiveEvent, LiveTopic};
use nexus_store::analyses::JobStatus;
use serde::Deserialize;
use tokio::sync::{Notify, broadcast::error::RecvError};
use tokio_util::sync::CancellationToken;

/// Consumes `analysis.requested`. The row in the store is the job, so there is nothing to do but to
/// look; an event that is lost, late or repeated changes nothing.
///
/// The stream gives an event to one worker of all, whose slots may be full; so each worker
/// [listens](Self::listen) besides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waker(Arc<Notify>);

impl Waker {
    /// Comes back at once when there was a call since the last time.
    pub async fn woken(&self) {
        self.0.notified().await;
    }

    /// Hears, until `stop`, that a job waits: a new one, or one that another worker gave back.
    pub async fn listen(&self, mut live: Listener, stop: CancellationToken) {
        loop {
            let heard = tokio::select! {
                () = stop.cancelled() => return,
                heard = live.recv() => heard,
            };
            match heard {
                Ok(event) if !is_of_a_waiting_job(&event) => {}
                // What was skipped may have been of one.
                Ok(_) | Err(RecvError::Lagged(_)) => self.0.notify_one(),
                // The stream is left.
                Err(RecvError::Closed) => return,
            }
        }
    }
}

fn is_of_a_waiting_job(event: &LiveEvent) -> bool {
    #[derive(Deserialize)]
    struct Told {
        status: String,
    }
    let is_pending = |told: Told| told.status == JobStatus::Pending.as_str();
    event.topic == LiveTopic::Analysis && event.read().is_some_and(is_pending)
}

#[async_trait]
impl Handler for Waker {
    fn name(&self) -> &'static str {
        "analysis"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::AnalysisRequested]
    }

    async fn handle(&self, batch: &[Arc<Event>]) -> Vec<Verdict> {
        self.0.notify_one();
        batch.iter().map(|_| Verdict::Done).collect()
    }
}
