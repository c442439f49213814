//! What a role does with events; the consumer actor around it is the same for every role.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use nexus_contract::{Event, Kind};

/// A role's work on events.
///
/// The consumer actor calls [`handle`](Self::handle) with a batch, catches a panic, and settles by
/// the verdicts. A handler must have committed what it did for an event before it says
/// [`Verdict::Done`], and must accept every event any number of times, in any order.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// The durable consumer's name.
    fn name(&self) -> &'static str;

    /// The kinds it wants.
    fn kinds(&self) -> &'static [Kind];

    /// How many events it takes at once.
    fn max_batch(&self) -> usize {
        256
    }

    /// How long one batch may take before its events are delivered again.
    fn ack_timeout(&self) -> Duration {
        Duration::from_mins(1)
    }

    /// One verdict per event, in the batch's order. Missing verdicts count as failed deliveries.
    async fn handle(&self, batch: &[Arc<Event>]) -> Vec<Verdict>;
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Committed.
    Done,
    /// Something around the event failed (the store is down, say). The consumer pauses and spends
    /// no delivery.
    Later(String),
    /// The event itself could not be handled this time; it counts as a failed delivery and goes to
    /// the dead letters after a bounded number of them.
    Failed(String),
    /// The event can never be handled: to the dead letters at once.
    Reject(String),
}

impl Verdict {
    /// What an error means for its event: one that time heals lets it wait, any other spends a
    /// delivery.
    pub fn of_error(error: &impl std::fmt::Display, heals: bool) -> Self {
        if heals { Self::Later(error.to_string()) } else { Self::Failed(error.to_string()) }
    }
}
