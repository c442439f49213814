//! What makes the worker look at the queue before its next poll.

use std::sync::Arc;

use async_trait::async_trait;
use nexus_bus::{Handler, Verdict};
use nexus_contract::{Event, Kind};
use tokio::sync::Notify;

/// Consumes `analysis.requested`. The row in the store is the job, so there is nothing to do but to
/// look; an event that is lost, late or repeated changes nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waker(Arc<Notify>);

impl Waker {
    /// Comes back at once when there was a call since the last time.
    pub async fn woken(&self) {
        self.0.notified().await;
    }
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
