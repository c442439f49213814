//! An embedded log, and a stream around it that fails on demand.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use nexus_bus::{
    Consumer, ConsumerSpec, DeadLetter, Delivery, EmbeddedConfig, EmbeddedLog, EventStream, Page,
    Settle, StreamError, StreamStatus,
};
use nexus_contract::{Envelope, Event, ExchangeId, Headers, Payload, RequestReceived, SystemClock};
use uuid::Uuid;

pub async fn log(dir: &Path) -> Arc<EmbeddedLog> {
    let log = EmbeddedLog::open(EmbeddedConfig::new(dir), Arc::new(SystemClock)).await;
    Arc::new(log.expect("the log opens"))
}

pub fn id(number: u128) -> ExchangeId {
    ExchangeId(Uuid::from_u128(number))
}

pub fn request(number: u128) -> Event {
    let payload = Payload::RequestReceived(RequestReceived {
        method: "POST".into(),
        path: "/v1/messages".into(),
        headers: Headers::default(),
        client_fingerprint: None,
        external_id: None,
        complete: true,
    });
    let envelope = Envelope {
        id: id(number),
        at: Timestamp::from_second(1_800_000_000).expect("valid"),
        gateway: "gateway-a".into(),
        domain: "api.example.test".into(),
        account_id: None,
        payload,
    };
    Event { envelope, body: None }
}

/// A stream that fails the next calls, and refuses some exchanges for ever.
pub struct Flaky {
    pub inner: Arc<EmbeddedLog>,
    pub failures: AtomicU32,
    pub poison: Mutex<BTreeSet<ExchangeId>>,
    pub refuses_consumers: bool,
    /// Settlements that fail, of all consumers together.
    pub unsettled: Arc<AtomicU32>,
}

impl Flaky {
    pub fn new(inner: Arc<EmbeddedLog>, failures: u32) -> Self {
        Self {
            inner,
            failures: AtomicU32::new(failures),
            poison: Mutex::default(),
            refuses_consumers: false,
            unsettled: Arc::default(),
        }
    }

    fn fails(&self) -> Result<(), StreamError> {
        fails(&self.failures)
    }
}

/// For as long as any are left.
fn fails(failures: &AtomicU32) -> Result<(), StreamError> {
    match failures.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
        Ok(_) => Err(StreamError::Unavailable("told to".into())),
        Err(_) => Ok(()),
    }
}

struct FlakyConsumer {
    inner: Box<dyn Consumer>,
    unsettled: Arc<AtomicU32>,
}

#[async_trait]
impl Consumer for FlakyConsumer {
    async fn pull(&mut self, max: usize, wait: Duration) -> Result<Vec<Delivery>, StreamError> {
        self.inner.pull(max, wait).await
    }

    async fn settle(&mut self, settled: Vec<(u64, Settle)>) -> Result<(), StreamError> {
        fails(&self.unsettled)?;
        self.inner.settle(settled).await
    }

    async fn extend(&mut self, tokens: &[u64]) -> Result<(), StreamError> {
        self.inner.extend(tokens).await
    }

    async fn give_back(&mut self) -> Result<(), StreamError> {
        self.inner.give_back().await
    }
}

#[async_trait]
impl EventStream for Flaky {
    async fn publish(&self, events: &[Event]) -> Result<(), StreamError> {
        self.fails()?;
        let poison = self.poison.lock().expect("no panic").clone();
        if events.iter().any(|event| poison.contains(&event.envelope.id)) {
            return Err(StreamError::Refused("not this one".into()));
        }
        self.inner.publish(events).await
    }

    async fn consumer(&self, spec: ConsumerSpec) -> Result<Box<dyn Consumer>, StreamError> {
        self.fails()?;
        if self.refuses_consumers {
            return Err(StreamError::Refused("nobody".into()));
        }
        let inner = self.inner.consumer(spec).await?;
        Ok(Box::new(FlakyConsumer { inner, unsettled: self.unsettled.clone() }))
    }

    async fn status(&self) -> Result<StreamStatus, StreamError> {
        self.inner.status().await
    }

    async fn list_dead_letters(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<DeadLetter>, StreamError> {
        self.inner.list_dead_letters(cursor, limit).await
    }

    async fn find_dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, StreamError> {
        self.inner.find_dead_letter(id).await
    }

    async fn requeue_dead_letter(&self, id: &str) -> Result<bool, StreamError> {
        self.inner.requeue_dead_letter(id).await
    }

    async fn drop_dead_letter(&self, id: &str) -> Result<bool, StreamError> {
        self.inner.drop_dead_letter(id).await
    }

    async fn erase(&self, exchanges: &[ExchangeId]) -> Result<u64, StreamError> {
        self.inner.erase(exchanges).await
    }
}
