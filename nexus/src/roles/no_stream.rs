//! The event stream of a command that only reads the store: there is none.

use async_trait::async_trait;
use nexus_bus::{Consumer, ConsumerSpec, DeadLetter, EventStream, Page, StreamError, StreamStatus};
use nexus_contract::{Event, ExchangeId};

/// Refuses everything.
pub struct NoStream;

fn none<T>() -> Result<T, StreamError> {
    Err(StreamError::Refused("this command works without an event stream".into()))
}

#[async_trait]
impl EventStream for NoStream {
    async fn publish(&self, _events: &[Event]) -> Result<(), StreamError> {
        none()
    }

    async fn consumer(&self, _spec: ConsumerSpec) -> Result<Box<dyn Consumer>, StreamError> {
        none()
    }

    async fn status(&self) -> Result<StreamStatus, StreamError> {
        none()
    }

    async fn list_dead_letters(
        &self,
        _cursor: Option<&str>,
        _limit: usize,
    ) -> Result<Page<DeadLetter>, StreamError> {
        none()
    }

    async fn find_dead_letter(&self, _id: &str) -> Result<Option<DeadLetter>, StreamError> {
        none()
    }

    async fn requeue_dead_letter(&self, _id: &str) -> Result<bool, StreamError> {
        none()
    }

    async fn drop_dead_letter(&self, _id: &str) -> Result<bool, StreamError> {
        none()
    }

    async fn erase(&self, _exchanges: &[ExchangeId]) -> Result<u64, StreamError> {
        none()
    }
}
