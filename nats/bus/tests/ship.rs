//! The shipper: everything in the journal reaches the stream, once in effect, and the journal is
//! freed.

mod support;

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use nexus_bus::{
    Consumer, ConsumerSpec, EventStream, Settle, ShipperConfig, adopt, adopt_once,
    backoff::Backoff, ship,
};
use nexus_contract::{
    Event, ExchangeId, Headers, Kind, Payload, ResponseFinished, SystemClock, TerminalState,
};
use nexus_journal::{Journal, JournalConfig, RequestHead};
use support::{Flaky, id, log, request};
use tokio_util::sync::CancellationToken;

fn journal(dir: &Path) -> Journal {
    let config = JournalConfig {
        segment_bytes: 64 << 10,
        max_bytes: 4 << 20,
        ..JournalConfig::new(dir, "gateway-a", 7)
    };
    Journal::open(config, Arc::new(SystemClock)).expect("opens")
}

fn record(journal: &Journal, number: u128) {
    let at = request(number).envelope.at;
    let recording = journal
        .begin(RequestHead {
            id: id(number),
            at,
            domain: "api.example.test".into(),
            account_id: None,
            method: "POST".into(),
            path: "/v1/messages".into(),
            headers: Headers::default(),
            client_fingerprint: None,
        })
        .expect("captures");
    recording.request_chunk(body(number));
    recording.request_end(true);
    recording.response_chunk(body(number + 1));
    recording.finish(ResponseFinished {
        state: TerminalState::Completed,
        status: Some(200),
        headers: Headers::default(),
        started_at: at,
        first_byte_ms: None,
        duration_ms: 5,
        upstream_ms: None,
        upstream_calls: 1,
        usage: None,
        error: None,
    });
}

fn body(number: u128) -> Bytes {
    format!("{{\"number\":{number}}}").repeat(100).into()
}

fn config() -> ShipperConfig {
    ShipperConfig {
        retry: Backoff::new(Duration::from_millis(5), Duration::from_millis(20)),
        max_batch: 8,
        adopt_interval: Duration::from_millis(50),
        ..ShipperConfig::default()
    }
}

async fn consumer(stream: &dyn EventStream) -> Box<dyn Consumer> {
    let kinds = vec![Kind::RequestReceived, Kind::ResponseFinished];
    let ack_timeout = Duration::from_mins(1);
    let spec = ConsumerSpec { name: "storage".into(), kinds, ack_timeout };
    stream.consumer(spec).await.expect("opens")
}

/// Takes events until each of `numbers` came with its request and its answer.
async fn expect(consumer: &mut Box<dyn Consumer>, numbers: impl Iterator<Item = u128>) {
    let mut missing: BTreeSet<(ExchangeId, Kind)> = numbers
        .flat_map(|number| [Kind::RequestReceived, Kind::ResponseFinished].map(|k| (id(number), k)))
        .collect();
    while !missing.is_empty() {
        let taken = consumer.pull(64, Duration::from_secs(20)).await.expect("pulls");
        assert!(!taken.is_empty(), "missing: {missing:?}");
        for delivery in &taken {
            let event = delivery.event.as_ref().expect("can be read");
            check(event);
            missing.remove(&(event.envelope.id, event.kind()));
        }
        let settled = taken.iter().map(|delivery| (delivery.token, Settle::Ack)).collect();
        consumer.settle(settled).await.expect("settles");
    }
}

fn check(event: &Event) {
    let number = event.envelope.id.0.as_u128();
    let of = match event.envelope.payload {
        Payload::RequestReceived(_) => number,
        _ => number + 1,
    };
    assert_eq!(event.envelope.gateway, "gateway-a");
    assert_eq!(event.body.as_ref().expect("has one").raw().expect("whole"), body(of));
}

#[tokio::test]
async fn the_journal_reaches_the_stream_and_is_freed() {
    let (dir, logs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("one"));
    let stream = log(logs.path()).await;
    let mut consumer = consumer(&*stream).await;
    let journal = journal(dir.path());
    let reader = journal.reader().expect("the first to ask");
    let shutdown = CancellationToken::new();
    let shipping = tokio::spawn(ship(reader, stream.clone(), config(), shutdown.clone()));
    (1..=200).for_each(|number| record(&journal, number));
    expect(&mut consumer, 1..=200).await;
    (201..=210).for_each(|number| record(&journal, number));
    expect(&mut consumer, 201..=210).await;
    shutdown.cancel();
    shipping.await.expect("no panic").expect("a graceful end");
    assert!(journal.status().used_bytes <= 64 << 10, "{:?}", journal.status());
}

#[tokio::test]
async fn a_journal_that_is_closed_is_shipped_to_its_end_and_leaves_nothing() {
    let (dir, logs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("one"));
    let stream = log(logs.path()).await;
    let mut consumer = consumer(&*stream).await;
    let first = journal(dir.path());
    let reader = first.reader().expect("the first to ask");
    let never = CancellationToken::new();
    let shipping = tokio::spawn(ship(reader, stream.clone(), config(), never));
    (1..=20).for_each(|number| record(&first, number));
    drop(first);
    expect(&mut consumer, 1..=20).await;
    shipping.await.expect("no panic").expect("a graceful end");
    assert_eq!(journal(dir.path()).status().used_bytes, 0, "a start finds nothing");
}

#[tokio::test]
async fn a_stream_that_fails_and_refuses_delays_but_loses_nothing() {
    let (dir, logs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("one"));
    let stream = Arc::new(Flaky::new(log(logs.path()).await, 12));
    stream.poison.lock().expect("no panic").insert(id(5));
    let mut consumer = consumer(&*stream.inner).await;
    let journal = journal(dir.path());
    let reader = journal.reader().expect("the first to ask");
    let shutdown = CancellationToken::new();
    let shipping = tokio::spawn(ship(reader, stream.clone(), config(), shutdown.clone()));
    (1..=30).for_each(|number| record(&journal, number));
    expect(&mut consumer, (1..=30).filter(|number| *number != 5)).await;
    stream.poison.lock().expect("no panic").clear();
    expect(&mut consumer, std::iter::once(5)).await;
    shutdown.cancel();
    shipping.await.expect("no panic").expect("a graceful end");
}

#[tokio::test]
async fn what_a_gone_instance_left_is_shipped_and_its_folder_removed() {
    let (dir, logs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("one"));
    let stream = log(logs.path()).await;
    let mut consumer = consumer(&*stream).await;
    let gone = journal(dir.path());
    (1..=20).for_each(|number| record(&gone, number));
    let shutdown = CancellationToken::new();
    let adopting =
        tokio::spawn(adopt(dir.path().to_owned(), stream.clone(), config(), shutdown.clone()));
    drop(gone);
    expect(&mut consumer, 1..=20).await;
    shutdown.cancel();
    adopting.await.expect("no panic").expect("a graceful end");
    assert_eq!(std::fs::read_dir(dir.path()).expect("lists").count(), 0);
}

#[tokio::test]
async fn what_is_held_or_found_while_stopping_is_left_alone() {
    let (dir, logs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("one"));
    let stream: Arc<dyn EventStream> = log(logs.path()).await;
    let adopted = async |shutdown: &CancellationToken| {
        adopt_once(dir.path(), &stream, config(), shutdown).await.expect("adopts");
        let left = std::fs::read_dir(dir.path()).expect("lists").count();
        (left, stream.status().await.expect("says").events)
    };
    let held = journal(dir.path());
    record(&held, 1);
    let goes_on = CancellationToken::new();
    assert_eq!(adopted(&goes_on).await, (1, 0), "its owner lives");
    drop(held);
    let stops = CancellationToken::new();
    stops.cancel();
    assert_eq!(adopted(&stops).await, (1, 0), "a stop begins nothing");
    assert_eq!(adopted(&goes_on).await, (0, 2), "a request and its answer");
}
