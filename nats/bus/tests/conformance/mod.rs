//! One suite for every event stream. Each check is a sentence of the contract in `stream.rs`.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use nexus_bus::{Consumer, ConsumerSpec, Delivery, EventStream, PULL_BYTES, Settle, StreamError};
use nexus_contract::{
    Body, Envelope, Event, ExchangeId, Headers, Kind, Linked, Payload, RequestReceived,
};
use uuid::Uuid;

/// What the suite needs of an implementation.
#[async_trait]
pub trait Harness: Send {
    fn stream(&self) -> Arc<dyn EventStream>;

    /// Ends the process's side and begins it again on the same files or servers.
    async fn restart(&mut self);

    /// Publishes bytes that are no event this build can read.
    async fn publish_raw(&self, message_id: &str, kind: &str, payload: Bytes);
}

/// How long a check waits for what must come; and for what must not.
const SOON: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(150);

pub fn request(number: u128, body: &[u8]) -> Event {
    event(
        number,
        Payload::RequestReceived(RequestReceived {
            method: "POST".into(),
            path: "/v1/messages".into(),
            headers: Headers::default(),
            client_fingerprint: None,
            external_id: None,
            complete: true,
        }),
        Some(Body::new(body).expect("compresses")),
    )
}

fn linked(number: u128) -> Event {
    event(number, Payload::Linked(Linked { exchanges: vec![], revision: 1 }), None)
}

fn event(number: u128, payload: Payload, body: Option<Body>) -> Event {
    let envelope = Envelope {
        id: ExchangeId(Uuid::from_u128(number)),
        at: Timestamp::from_second(1_800_000_000).expect("valid"),
        gateway: "gateway-a".into(),
        domain: "api.example.test".into(),
        account_id: None,
        payload,
    };
    Event { envelope, body }
}

pub fn spec(name: &str) -> ConsumerSpec {
    ConsumerSpec {
        name: name.into(),
        kinds: vec![Kind::RequestReceived],
        ack_timeout: Duration::from_mins(1),
    }
}

pub async fn open(harness: &impl Harness, spec: ConsumerSpec) -> Box<dyn Consumer> {
    harness.stream().consumer(spec).await.expect("the consumer opens")
}

async fn publish(harness: &impl Harness, numbers: impl IntoIterator<Item = u128>) {
    let events: Vec<_> = numbers.into_iter().map(|number| request(number, b"{}")).collect();
    harness.stream().publish(&events).await.expect("publishes");
}

pub fn number(delivery: &Delivery) -> u128 {
    delivery.event.as_ref().expect("can be read").envelope.id.0.as_u128()
}

/// Pulls until `count` deliveries came.
pub async fn take(consumer: &mut Box<dyn Consumer>, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let more = consumer.pull(count - taken.len(), SOON).await.expect("pulls");
        assert!(!more.is_empty(), "{} of {count} came", taken.len());
        taken.extend(more);
    }
    taken
}

async fn expect_none(consumer: &mut Box<dyn Consumer>) {
    let taken = consumer.pull(10, SHORT).await.expect("pulls");
    assert!(taken.is_empty(), "unexpected: {taken:?}");
}

pub async fn settle(consumer: &mut Box<dyn Consumer>, taken: &[Delivery], settle: &Settle) {
    let settled = taken.iter().map(|delivery| (delivery.token, settle.clone())).collect();
    consumer.settle(settled).await.expect("settles");
}

pub async fn every_consumer_gets_every_event_in_order(harness: &mut impl Harness) {
    let mut early = open(harness, spec("storage")).await;
    publish(harness, 1..=30).await;
    publish(harness, 31..=60).await;
    let taken = take(&mut early, 60).await;
    assert_eq!(taken.iter().map(number).collect::<Vec<_>>(), (1..=60).collect::<Vec<_>>());
    assert!(taken.iter().all(|delivery| delivery.attempt == 1));
    settle(&mut early, &taken, &Settle::Ack).await;
    expect_none(&mut early).await;
    let mut late = open(harness, spec("linker")).await;
    assert_eq!(take(&mut late, 60).await.len(), 60, "also one that is created later");
}

pub async fn a_consumer_gets_the_kinds_it_wants(harness: &mut impl Harness) {
    let mut links =
        open(harness, ConsumerSpec { kinds: vec![Kind::Linked], ..spec("links") }).await;
    let mut requests = open(harness, spec("storage")).await;
    let events = [request(1, b"a"), linked(2), request(3, b"b")];
    harness.stream().publish(&events).await.expect("publishes");
    assert_eq!(take(&mut links, 1).await.iter().map(number).collect::<Vec<_>>(), [2]);
    assert_eq!(take(&mut requests, 2).await.iter().map(number).collect::<Vec<_>>(), [1, 3]);
    expect_none(&mut links).await;
}

pub async fn instances_share_the_work(harness: &mut impl Harness) {
    let mut first = open(harness, spec("storage")).await;
    let mut second = open(harness, spec("storage")).await;
    publish(harness, 1..=40).await;
    let mut numbers = Vec::new();
    while numbers.len() < 40 {
        for consumer in [&mut first, &mut second] {
            let taken = consumer.pull(7, SHORT).await.expect("pulls");
            numbers.extend(taken.iter().map(number));
            settle(consumer, &taken, &Settle::Ack).await;
        }
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>(), "each once");
    expect_none(&mut second).await;
}

pub async fn what_is_not_settled_comes_again(harness: &mut impl Harness) {
    let timeout = Duration::from_secs(1);
    let mut consumer =
        open(harness, ConsumerSpec { ack_timeout: timeout, ..spec("storage") }).await;
    publish(harness, [1, 2]).await;
    let taken = take(&mut consumer, 2).await;
    settle(&mut consumer, &taken[..1], &Settle::Ack).await;
    let again = take(&mut consumer, 1).await;
    assert_eq!((number(&again[0]), again[0].attempt), (2, 2));
    settle(&mut consumer, &again, &Settle::Ack).await;
    expect_none(&mut consumer).await;
}

pub async fn who_is_still_at_work_keeps_a_delivery(harness: &mut impl Harness) {
    let timeout = Duration::from_secs(2);
    let mut consumer =
        open(harness, ConsumerSpec { ack_timeout: timeout, ..spec("storage") }).await;
    publish(harness, [1]).await;
    let taken = take(&mut consumer, 1).await;
    for _ in 0..6 {
        let none = consumer.pull(1, timeout / 4).await.expect("pulls");
        assert!(none.is_empty(), "it was given to nobody else");
        consumer.extend(&[taken[0].token]).await.expect("extends");
    }
    assert_eq!(take(&mut consumer, 1).await[0].attempt, 2, "until nobody says so any more");
}

pub async fn a_refused_delivery_comes_again_after_its_delay(harness: &mut impl Harness) {
    let mut consumer = open(harness, spec("storage")).await;
    publish(harness, [1]).await;
    for attempt in 1..=3 {
        let taken = take(&mut consumer, 1).await;
        assert_eq!(taken[0].attempt, attempt);
        settle(&mut consumer, &taken, &Settle::Nak(Duration::from_millis(400))).await;
        expect_none(&mut consumer).await;
    }
    let taken = take(&mut consumer, 1).await;
    settle(&mut consumer, &taken, &Settle::Ack).await;
}

pub async fn a_rejected_event_is_a_dead_letter(harness: &mut impl Harness) {
    let mut storage = open(harness, spec("storage")).await;
    let mut linker = open(harness, spec("linker")).await;
    publish(harness, [1, 2, 3]).await;
    let taken = take(&mut storage, 3).await;
    settle(&mut storage, &taken[1..2], &Settle::Reject("no such column".into())).await;
    settle(&mut storage, &[taken[0].clone(), taken[2].clone()], &Settle::Ack).await;
    expect_none(&mut storage).await;

    let stream = harness.stream();
    let page = stream.list_dead_letters(None, 10).await.expect("lists");
    assert_eq!(page.items.len(), 1);
    let letter = &page.items[0];
    assert_eq!((&*letter.consumer, &*letter.reason), ("storage", "no such column"));
    assert_eq!((&*letter.kind, letter.attempts), ("request.received", 1));
    assert_eq!(letter.message_id, request(2, b"{}").message_id());
    let found = stream.find_dead_letter(&letter.id).await.expect("finds").expect("is there");
    let event = nexus_contract::decode(&found.payload).expect("its bytes are the event's");
    assert_eq!(event.envelope.id.0.as_u128(), 2);
    assert_eq!(event.body.expect("has a body").raw().expect("whole"), b"{}"[..]);

    assert!(stream.requeue_dead_letter(&letter.id).await.expect("requeues"));
    let again = take(&mut storage, 1).await;
    assert_eq!(number(&again[0]), 2);
    settle(&mut storage, &again, &Settle::Ack).await;
    assert!(!stream.requeue_dead_letter(&letter.id).await.expect("asks"), "it is gone");
    assert_eq!(take(&mut linker, 3).await.len(), 3);
    expect_none(&mut linker).await;
}

pub async fn dead_letters_come_in_pages_and_go(harness: &mut impl Harness) {
    let mut consumer = open(harness, spec("storage")).await;
    publish(harness, 1..=5).await;
    for delivery in take(&mut consumer, 5).await {
        settle(&mut consumer, &[delivery], &Settle::Reject("no".into())).await;
    }
    let stream = harness.stream();
    let first = stream.list_dead_letters(None, 3).await.expect("lists");
    let rest = stream.list_dead_letters(first.next_cursor.as_deref(), 3).await.expect("lists");
    assert_eq!((first.items.len(), rest.items.len(), rest.next_cursor), (3, 2, None));
    let newest = request(5, b"").message_id();
    assert_eq!(first.items[0].message_id, newest, "newest first");
    assert!(stream.drop_dead_letter(&first.items[0].id).await.expect("drops"));
    assert!(!stream.drop_dead_letter(&first.items[0].id).await.expect("asks"));
    assert_eq!(stream.status().await.expect("says").dead_letters, 4);
}

pub async fn a_restart_loses_nothing_and_settled_stays_settled(harness: &mut impl Harness) {
    let mut consumer = open(harness, spec("storage")).await;
    publish(harness, 1..=6).await;
    let taken = take(&mut consumer, 4).await;
    settle(&mut consumer, &taken[..2], &Settle::Ack).await;
    settle(&mut consumer, &taken[3..], &Settle::Nak(Duration::ZERO)).await;
    drop(consumer);
    harness.restart().await;
    // The third is still in flight as far as a server knows that the process was no part of.
    let timeout = Duration::from_secs(1);
    let mut consumer =
        open(harness, ConsumerSpec { ack_timeout: timeout, ..spec("storage") }).await;
    let mut numbers = BTreeSet::new();
    while numbers.len() < 4 {
        let taken = take(&mut consumer, 1).await;
        numbers.extend(taken.iter().map(number));
        settle(&mut consumer, &taken, &Settle::Ack).await;
    }
    assert_eq!(numbers, BTreeSet::from([3, 4, 5, 6]));
}

pub async fn the_same_event_twice_is_delivered_once(harness: &mut impl Harness) {
    let mut consumer = open(harness, spec("storage")).await;
    publish(harness, [1, 2, 1]).await;
    publish(harness, [2, 3]).await;
    assert_eq!(take(&mut consumer, 3).await.iter().map(number).collect::<Vec<_>>(), [1, 2, 3]);
    expect_none(&mut consumer).await;
}

pub async fn bytes_that_cannot_be_read_are_delivered_as_such(harness: &mut impl Harness) {
    let mut consumer = open(harness, spec("storage")).await;
    publish(harness, [1]).await;
    let raw = Bytes::from_static(b"\x02\x00\x00\x00{}");
    harness.publish_raw("odd", "request.received", raw.clone()).await;
    publish(harness, [2]).await;
    let taken = take(&mut consumer, 3).await;
    assert_eq!((number(&taken[0]), number(&taken[2])), (1, 2));
    assert!(taken[1].event.is_err());
    settle(&mut consumer, &taken[1..2], &Settle::Reject("not readable".into())).await;
    let page = harness.stream().list_dead_letters(None, 10).await.expect("lists");
    let letter = harness.stream().find_dead_letter(&page.items[0].id).await.expect("finds");
    assert_eq!(letter.expect("is there").payload, raw, "its bytes are kept");
}

/// Needs a harness whose stream holds about 8 MiB.
pub async fn a_full_stream_refuses_until_it_is_read(harness: &mut impl Harness) {
    let mut consumer = open(harness, spec("storage")).await;
    let stream = harness.stream();
    let mut accepted = 0;
    let refused = loop {
        let event = request(accepted + 1, &noise(accepted, 200_000));
        match stream.publish(&[event]).await {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 1_000, "there is a bound");
    };
    assert!(matches!(refused, StreamError::Full), "{refused}");
    let taken = take(&mut consumer, usize::try_from(accepted).expect("few")).await;
    settle(&mut consumer, &taken, &Settle::Ack).await;
    let event = request(5_000, &noise(1, 200_000));
    stream.publish(&[event]).await.expect("what was read makes room");
    assert_eq!(number(&take(&mut consumer, 1).await[0]), 5_000, "and nothing else was lost");
}

pub async fn the_largest_exchange_passes(harness: &mut impl Harness) {
    let mut consumer = open(harness, spec("storage")).await;
    let body = noise(7, 32 << 20);
    harness.stream().publish(&[request(1, &body)]).await.expect("publishes");
    let taken = take(&mut consumer, 1).await;
    let event = taken[0].event.as_ref().expect("can be read");
    assert!(event.body.as_ref().expect("has one").raw().expect("whole") == body, "byte for byte");
    settle(&mut consumer, &taken, &Settle::Reject("large".into())).await;
    let page = harness.stream().list_dead_letters(None, 1).await.expect("lists");
    let letter = harness.stream().find_dead_letter(&page.items[0].id).await.expect("finds");
    let event = nexus_contract::decode(&letter.expect("is there").payload).expect("whole");
    assert!(event.body.expect("has one").raw().expect("whole") == body, "also as a dead letter");
}

pub async fn a_pull_is_bounded_in_bytes(harness: &mut impl Harness) {
    for number in 1..=3 {
        let event = request(number, &noise(number, PULL_BYTES * 2 / 3));
        harness.stream().publish(&[event]).await.expect("publishes");
    }
    let mut consumer = open(harness, spec("storage")).await;
    let first = consumer.pull(3, SOON).await.expect("pulls");
    assert_eq!(first.iter().map(number).collect::<Vec<_>>(), [1, 2]);
    settle(&mut consumer, &first, &Settle::Ack).await;
    drop(consumer);
    harness.restart().await;
    publish(harness, 4..=5).await;
    let timeout = Duration::from_secs(1);
    let mut consumer =
        open(harness, ConsumerSpec { ack_timeout: timeout, ..spec("storage") }).await;
    let mut left = BTreeSet::new();
    while !left.is_superset(&BTreeSet::from([3, 4, 5])) {
        left.extend(take(&mut consumer, 1).await.iter().map(number));
    }
}

/// Also when nothing of it is in memory.
pub async fn a_backlog_of_small_events_comes_in_one_pull(harness: &mut impl Harness) {
    publish(harness, 1..=600).await;
    harness.restart().await;
    let mut consumer = open(harness, spec("storage")).await;
    for expected in [1..=512, 513..=600] {
        let taken = consumer.pull(512, SOON).await.expect("pulls");
        assert_eq!(taken.iter().map(number).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        settle(&mut consumer, &taken, &Settle::Ack).await;
    }
    expect_none(&mut consumer).await;
}

/// As many as small ones would fill the memory of a consumer that takes a backlog.
pub async fn a_backlog_of_larger_events_comes_in_parts(harness: &mut impl Harness) {
    for first in [1_u128, 51, 101, 151] {
        let numbers = first..first + 50;
        let events: Vec<_> =
            numbers.map(|number| request(number, &noise(number, 48 << 10))).collect();
        harness.stream().publish(&events).await.expect("publishes");
    }
    harness.restart().await;
    let mut consumer = open(harness, spec("storage")).await;
    let mut taken = consumer.pull(512, SOON).await.expect("pulls");
    assert!(taken.len() <= 128, "{} at once", taken.len());
    let rest = 200 - taken.len();
    taken.extend(take(&mut consumer, rest).await);
    assert_eq!(taken.iter().map(number).collect::<Vec<_>>(), (1..=200).collect::<Vec<_>>());
}

/// An event of the first pull is settled, one is not, and one was perhaps read ahead.
pub async fn what_is_given_back_comes_again_at_once(harness: &mut impl Harness) {
    for number in 1..=3 {
        let event = request(number, &noise(number, PULL_BYTES * 2 / 3));
        harness.stream().publish(&[event]).await.expect("publishes");
    }
    let mut leaving = open(harness, spec("storage")).await;
    let taken = leaving.pull(3, SOON).await.expect("pulls");
    assert_eq!(taken.iter().map(number).collect::<Vec<_>>(), [1, 2]);
    settle(&mut leaving, &taken[..1], &Settle::Ack).await;
    leaving.give_back().await.expect("gives back");
    drop(leaving);
    let mut staying = open(harness, spec("storage")).await;
    let again = take(&mut staying, 2).await;
    assert_eq!(again.iter().map(number).collect::<BTreeSet<_>>(), BTreeSet::from([2, 3]));
    settle(&mut staying, &again, &Settle::Ack).await;
    expect_none(&mut staying).await;
}

/// Read or not, dead or requeued, and with a body in parts that it has in common with another one.
pub async fn what_is_erased_is_nowhere_any_more(harness: &mut impl Harness) {
    let mut consumer = open(harness, spec("storage")).await;
    let stream = harness.stream();
    let large = noise(3, 2 << 20);
    let bodies: [&[u8]; 6] = [b"1", b"2", &large, &large, b"5", b"6"];
    for (body, number) in bodies.into_iter().zip(1..) {
        stream.publish(&[request(number, body)]).await.expect("publishes");
    }
    let taken = take(&mut consumer, 5).await;
    settle(&mut consumer, &taken[..1], &Settle::Ack).await;
    settle(&mut consumer, &taken[1..3], &Settle::Reject("no".into())).await;
    settle(&mut consumer, &taken[3..], &Settle::Ack).await;
    let page = stream.list_dead_letters(None, 10).await.expect("lists");
    let second = page.items.iter().find(|one| one.message_id == request(2, b"").message_id());
    assert!(stream.requeue_dead_letter(&second.expect("is dead").id).await.expect("requeues"));

    let erased: Vec<_> = [1, 2, 3, 6].map(Uuid::from_u128).map(ExchangeId).into();
    // Four events, one that was requeued and one dead letter.
    assert_eq!(stream.erase(&erased).await.expect("erases"), 6);
    assert_eq!(stream.erase(&erased).await.expect("asks"), 0);
    assert!(stream.list_dead_letters(None, 10).await.expect("lists").items.is_empty());
    assert_eq!(stream.status().await.expect("says").events, 2);
    expect_none(&mut consumer).await;
    drop((consumer, stream));
    harness.restart().await;
    let mut late = open(harness, spec("linker")).await;
    let left = take(&mut late, 2).await;
    assert_eq!(left.iter().map(number).collect::<Vec<_>>(), [4, 5]);
    let event = left[0].event.as_ref().expect("can be read");
    assert!(event.body.as_ref().expect("has one").raw().expect("whole") == large, "its parts stay");
    expect_none(&mut late).await;
}

pub async fn the_status_tells_lag_and_what_is_unsettled(harness: &mut impl Harness) {
    let mut consumer = open(harness, spec("storage")).await;
    publish(harness, 1..=10).await;
    let taken = take(&mut consumer, 4).await;
    settle(&mut consumer, &taken[..1], &Settle::Ack).await;
    let status = harness.stream().status().await.expect("says");
    assert!(status.connected && status.events >= 10 && status.bytes > 0, "{status:?}");
    let one = status.consumers.iter().find(|one| one.name == "storage").expect("is there");
    assert_eq!((one.lag, one.unsettled), (6, 3), "{status:?}");
}

/// Bytes that don't compress.
pub fn noise(seed: u128, len: usize) -> Vec<u8> {
    let mut state = u64::try_from(seed & 0xffff).expect("16 bits") ^ 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (state >> 33).to_le_bytes()
    };
    let mut noise = Vec::with_capacity(len + 4);
    while noise.len() < len {
        noise.extend_from_slice(&next()[..3]);
    }
    noise.truncate(len);
    noise
}

/// A test for every check, on the harness that `$open` gives.
#[macro_export]
macro_rules! conformance {
    ($open:expr; $($check:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                let mut harness = $open.await;
                conformance::$check(&mut harness).await;
            }
        )*
    };
    ($open:expr) => {
        $crate::conformance!($open;
            every_consumer_gets_every_event_in_order,
            a_consumer_gets_the_kinds_it_wants,
            instances_share_the_work,
            what_is_not_settled_comes_again,
            who_is_still_at_work_keeps_a_delivery,
            a_refused_delivery_comes_again_after_its_delay,
            a_rejected_event_is_a_dead_letter,
            dead_letters_come_in_pages_and_go,
            a_restart_loses_nothing_and_settled_stays_settled,
            the_same_event_twice_is_delivered_once,
            bytes_that_cannot_be_read_are_delivered_as_such,
            a_full_stream_refuses_until_it_is_read,
            the_largest_exchange_passes,
            a_pull_is_bounded_in_bytes,
            a_backlog_of_small_events_comes_in_one_pull,
            a_backlog_of_larger_events_comes_in_parts,
            what_is_given_back_comes_again_at_once,
            what_is_erased_is_nowhere_any_more,
            the_status_tells_lag_and_what_is_unsettled,
        );
    };
}
