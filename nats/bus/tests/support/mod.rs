//! An embedded log, and a stream around it that fails on demand.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

use async_trait::async_trait;
use jiff::Timestamp;
use nexus_bus::{
    Consumer, ConsumerSpec, DeadLetter, EmbeddedConfig, EmbeddedLog, EventStream, Page,
    StreamError, StreamStatus,
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
}

impl Flaky {
    pub fn new(inner: Arc<EmbeddedLog>, failures: u32) -> Self {
        let poison = Mutex::default();
        Self { inner, failures: AtomicU32::new(failures), poison, refuses_consumers: false }
    }

    fn fails(&self) -> Result<(), StreamError> {
        let left = self.failures.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => Err(StreamError::Unavailable("told to".into())),
            Err(_) => Ok(()),
        }
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
        self.inner.consumer(spec).await
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
