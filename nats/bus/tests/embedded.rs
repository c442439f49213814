//! The embedded log keeps the contract of the event stream.

mod conformance;

use std::{collections::BTreeSet, ops::RangeInclusive, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use conformance::{Harness, noise, number, request, settle, spec, take};
use nexus_bus::{EmbeddedConfig, EmbeddedLog, Encoded, EventStream, Settle, StreamError};
use nexus_contract::SystemClock;
use tempfile::TempDir;

struct Embedded {
    dir: TempDir,
    log: Option<Arc<EmbeddedLog>>,
    retain_bytes: u64,
}

impl Embedded {
    async fn new() -> Self {
        Self::retaining(256 << 20).await
    }

    async fn retaining(retain_bytes: u64) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut harness = Self { dir, log: None, retain_bytes };
        harness.open().await;
        harness
    }

    fn config(&self) -> EmbeddedConfig {
        let retain_bytes = self.retain_bytes;
        let max_bytes = 40 << 20;
        EmbeddedConfig { max_bytes, retain_bytes, ..EmbeddedConfig::new(self.dir.path()) }
    }

    async fn open(&mut self) {
        let log = EmbeddedLog::open(self.config(), Arc::new(SystemClock)).await;
        self.log = Some(Arc::new(log.expect("the log opens")));
    }
}

#[async_trait]
impl Harness for Embedded {
    fn stream(&self) -> Arc<dyn EventStream> {
        self.log.clone().expect("open")
    }

    async fn restart(&mut self) {
        let log = Arc::into_inner(self.log.take().expect("open")).expect("nobody else holds it");
        log.close().await;
        self.open().await;
    }

    async fn publish_raw(&self, message_id: &str, kind: &str, payload: Bytes) {
        let event = Encoded { message_id: message_id.into(), kind: kind.into(), payload };
        self.log.as_ref().expect("open").publish_encoded(vec![event]).await.expect("publishes");
    }
}

conformance!(Embedded::new());

#[tokio::test]
async fn one_process_owns_the_folder() {
    let harness = Embedded::new().await;
    let again = EmbeddedLog::open(harness.config(), Arc::new(SystemClock)).await;
    assert!(matches!(again.err(), Some(StreamError::Refused(reason)) if reason.contains("in use")));
}

/// A bound that a third of the events reaches, and the events: about 1.4 KB each.
const RETAIN: u64 = 400_000;
const EVENTS: u128 = 1_000;

fn body(number: u128) -> Vec<u8> {
    noise(number, 1_000)
}

async fn publish(harness: &Embedded, numbers: RangeInclusive<u128>) {
    let events: Vec<_> = numbers.map(|number| request(number, &body(number))).collect();
    harness.stream().publish(&events).await.expect("publishes");
}

/// The stream's bytes and events once the writer has trimmed: it does so after it has answered, and
/// before it takes the next command.
async fn trimmed(harness: &Embedded, next: u128) -> (u64, u64) {
    publish(harness, next..=next).await;
    let status = harness.stream().status().await.expect("says");
    (status.bytes, status.events)
}

fn all_events() -> usize {
    usize::try_from(EVENTS).expect("few")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_settled_events_go_when_the_bound_is_passed() {
    let mut harness = Embedded::retaining(RETAIN).await;
    let mut storage = conformance::open(&harness, spec("storage")).await;
    publish(&harness, 1..=EVENTS).await;
    let taken = take(&mut storage, all_events()).await;
    settle(&mut storage, &taken, &Settle::Ack).await;
    let (bytes, events) = trimmed(&harness, EVENTS + 1).await;
    assert!(bytes <= RETAIN, "{bytes} bytes of {events} events");
    assert!((2..=EVENTS).contains(&u128::from(events)), "{events} events");

    // What is left is in the file: a consumer that comes later gets it, in order.
    drop(storage);
    harness.restart().await;
    let mut late = conformance::open(&harness, spec("linker")).await;
    let left = take(&mut late, usize::try_from(events).expect("few")).await;
    let numbers: Vec<_> = left.iter().map(number).collect();
    let newest: Vec<_> = (EVENTS + 2 - u128::from(events)..=EVENTS + 1).collect();
    assert_eq!(numbers, newest, "the newest");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_consumer_has_not_settled_stays_whatever_the_bound() {
    let mut harness = Embedded::retaining(RETAIN).await;
    let mut storage = conformance::open(&harness, spec("storage")).await;
    let mut linker = conformance::open(&harness, spec("linker")).await;
    publish(&harness, 1..=EVENTS).await;
    let taken = take(&mut storage, all_events()).await;
    settle(&mut storage, &taken, &Settle::Ack).await;
    let (bytes, events) = trimmed(&harness, EVENTS + 1).await;
    assert_eq!(u128::from(events), EVENTS + 1, "the linker has seen none of them");
    assert!(bytes > 2 * RETAIN, "{bytes} bytes");

    // It settles all but the oldest, which it wants again.
    let taken = take(&mut linker, all_events()).await;
    settle(&mut linker, &taken[..1], &Settle::Nak(Duration::ZERO)).await;
    settle(&mut linker, &taken[1..], &Settle::Ack).await;
    let (bytes, _) = trimmed(&harness, EVENTS + 2).await;
    assert!(bytes <= RETAIN, "{bytes} bytes");
    drop((storage, linker));
    harness.restart().await;
    let mut linker = conformance::open(&harness, spec("linker")).await;
    let left = take(&mut linker, 3).await;
    let numbers: BTreeSet<_> = left.iter().map(number).collect();
    assert_eq!(numbers, BTreeSet::from([1, EVENTS + 1, EVENTS + 2]));
    let oldest = left.iter().find(|delivery| number(delivery) == 1).expect("it is there");
    let event = oldest.event.as_ref().expect("can be read");
    let stored = event.body.as_ref().expect("has one").raw().expect("whole");
    assert!(stored == body(1), "byte for byte");
}
