//! The shipper, the consumer actor and the live subjects over NATS, through outages of the server and
//! ends of an actor.

mod nats;
mod support;
mod wire;

use std::{
    collections::BTreeSet,
    process::Command,
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use nats::{NatsServer, ready};
use nexus_bus::{
    Consumer, ConsumerConfig, ConsumerSpec, EventStream, Handler, JetStream, LiveBus, NatsConfig,
    Settle, ShipperConfig, Verdict, backoff::Backoff, consume, ship,
};
use nexus_contract::{
    Event, ExchangeId, Headers, Kind, LiveEvent, LiveTopic, ResponseFinished, SystemClock,
    TerminalState,
};
use nexus_journal::{Journal, JournalConfig, RequestHead};
use support::request;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::{State, Wire};

fn record(journal: &Journal, number: u128) {
    let at = Timestamp::from_second(1_800_000_000).expect("valid");
    let head = RequestHead {
        id: ExchangeId(Uuid::from_u128(number)),
        at,
        domain: "api.example.test".into(),
        account_id: None,
        method: "POST".into(),
        path: "/v1/messages".into(),
        headers: Headers::default(),
        client_fingerprint: None,
    };
    let recording = journal.begin(head).expect("captures");
    recording.request_chunk(Bytes::from(format!("{{\"number\":{number}}}")));
    recording.request_end(true);
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

/// Takes until every exchange from 1 to `count` came with both events.
async fn take_all(consumer: &mut Box<dyn Consumer>, count: u128) {
    let mut seen = BTreeSet::new();
    let mut failures = 0;
    while seen.len() < usize::try_from(count).expect("few") * 2 {
        let taken = match consumer.pull(64, Duration::from_secs(5)).await {
            Ok(taken) => taken,
            Err(error) => {
                failures += 1;
                assert!(error.is_transient() && failures < 100, "{error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        for delivery in &taken {
            let event = delivery.event.as_ref().expect("can be read");
            seen.insert((event.envelope.id, event.kind()));
        }
        let settled = taken.iter().map(|delivery| (delivery.token, Settle::Ack)).collect();
        consumer.settle(settled).await.expect("settles");
    }
}

fn signal(server: &NatsServer, name: &str) {
    let told = Command::new("kill").args([name, &server.pid().to_string()]).status();
    assert!(told.expect("kill runs").success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_recorded_while_nats_is_frozen_or_gone_arrives_when_it_is_back() {
    let mut server = NatsServer::start("");
    let mut config = server.config();
    config.ack_timeout = Duration::from_secs(1);
    let stream = Arc::new(JetStream::open(config).await.expect("opens"));
    ready(&stream).await;
    let kinds = vec![Kind::RequestReceived, Kind::ResponseFinished];
    let ack_timeout = Duration::from_mins(1);
    let spec = ConsumerSpec { name: "storage".into(), kinds, ack_timeout };
    let mut consumer = stream.consumer(spec).await.expect("opens");

    let dir = tempfile::tempdir().expect("a folder");
    let journal = Journal::open(JournalConfig::new(dir.path(), "a", 7), Arc::new(SystemClock));
    let journal = journal.expect("opens");
    let shutdown = CancellationToken::new();
    let retry = Backoff::new(Duration::from_millis(20), Duration::from_millis(200));
    let shipping = tokio::spawn(ship(
        journal.reader().expect("the first to ask"),
        stream.clone(),
        ShipperConfig { retry, ..ShipperConfig::default() },
        shutdown.clone(),
    ));
    (1..=50).for_each(|number| record(&journal, number));
    signal(&server, "-STOP");
    (51..=100).for_each(|number| record(&journal, number));
    tokio::time::sleep(Duration::from_secs(2)).await;
    signal(&server, "-CONT");
    (101..=150).for_each(|number| record(&journal, number));
    take_all(&mut consumer, 150).await;
    server.kill();
    (151..=200).for_each(|number| record(&journal, number));
    server.start_again();
    let events = || async { stream.status().await.map_or(0, |status| status.events) };
    for _ in 0..400 {
        if events().await >= 400 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(events().await, 400, "each of 200 exchanges with two events, none twice");
    shutdown.cancel();
    shipping.await.expect("no panic").expect("a graceful end");
    assert_eq!(journal.status().counts.lost, 0);
}

/// Cut, cut again at once, and silent in either direction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_recorded_while_the_network_fails_arrives_once_it_is_whole() {
    let server = NatsServer::start("");
    let wire = Wire::to(server.port).await;
    let url = format!("nats://127.0.0.1:{}", wire.port);
    let config = NatsConfig { url, ack_timeout: Duration::from_secs(1), ..server.config() };
    let stream = Arc::new(JetStream::open(config).await.expect("opens"));
    ready(&stream).await;

    let dir = tempfile::tempdir().expect("a folder");
    let journal = Journal::open(JournalConfig::new(dir.path(), "a", 7), Arc::new(SystemClock));
    let journal = journal.expect("opens");
    let shutdown = CancellationToken::new();
    let retry = Backoff::new(Duration::from_millis(20), Duration::from_millis(200));
    let shipping = tokio::spawn(ship(
        journal.reader().expect("the first to ask"),
        stream.clone(),
        ShipperConfig { retry, ..ShipperConfig::default() },
        shutdown.clone(),
    ));
    let faults = [State::Cut, State::Cut, State::Deaf, State::Mute];
    for (fault, first) in faults.into_iter().zip((1..).step_by(50)) {
        (first..first + 25).for_each(|number| record(&journal, number));
        wire.set(fault);
        (first + 25..first + 50).for_each(|number| record(&journal, number));
        tokio::time::sleep(Duration::from_secs(2)).await;
        wire.set(State::Whole);
    }
    // Past the wire: what the server has is what counts.
    let direct = JetStream::open(server.config()).await.expect("opens");
    ready(&direct).await;
    let events = || async { direct.status().await.expect("says").events };
    for _ in 0..600 {
        if events().await >= 400 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(events().await, 400, "each of 200 exchanges with two events, none twice");
    shutdown.cancel();
    shipping.await.expect("no panic").expect("a graceful end");
    assert_eq!(journal.status().counts.lost, 0);
}

/// A role whose store is there or not.
struct Role {
    store_is_up: bool,
    seen: watch::Sender<BTreeSet<ExchangeId>>,
}

#[async_trait]
impl Handler for Role {
    fn name(&self) -> &'static str {
        "storage"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::RequestReceived]
    }

    async fn handle(&self, batch: &[Arc<Event>]) -> Vec<Verdict> {
        self.seen.send_modify(|seen| seen.extend(batch.iter().map(|event| event.envelope.id)));
        let verdict = if self.store_is_up {
            Verdict::Done
        } else {
            Verdict::Later("the store is down".into())
        };
        vec![verdict; batch.len()]
    }
}

/// Runs the actor until `count` events came to it, and stops it.
async fn run_until_seen(stream: Arc<JetStream>, count: usize, store_is_up: bool) {
    let role = Arc::new(Role { store_is_up, seen: watch::Sender::default() });
    let mut seen = role.seen.subscribe();
    let shutdown = CancellationToken::new();
    let config = ConsumerConfig::default();
    let running = tokio::spawn(consume(stream, role, config, shutdown.clone()));
    let all = seen.wait_for(|seen| seen.len() == count);
    tokio::time::timeout(Duration::from_secs(20), all).await.expect("in time").expect("lives");
    shutdown.cancel();
    running.await.expect("no panic").expect("a graceful end");
}

/// Not when their acknowledgements are overdue, a minute later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stopped_actor_had_in_hand_comes_to_the_next_one_at_once() {
    let server = NatsServer::start("");
    let stream = Arc::new(JetStream::open(server.config()).await.expect("opens"));
    ready(&stream).await;
    stream.publish(&[request(1), request(2), request(3)]).await.expect("publishes");
    run_until_seen(stream.clone(), 3, false).await;
    run_until_seen(stream.clone(), 3, true).await;
    let status = stream.status().await.expect("says");
    assert_eq!((status.consumers[0].lag, status.consumers[0].unsettled), (0, 0), "{status:?}");
}

#[tokio::test]
async fn live_events_reach_the_other_processes() {
    let server = NatsServer::start("");
    let one = JetStream::open(server.config()).await.expect("opens");
    let other = JetStream::open(server.config()).await.expect("opens");
    ready(&one).await;
    ready(&other).await;
    let (here, there) = (one.live_bus(16), other.live_bus(16));
    let mut heard = there.subscribe();
    let count = AtomicU32::new(0);
    let event = || LiveEvent {
        topic: LiveTopic::Started,
        id: Some(ExchangeId(Uuid::from_u128(1))),
        at: Timestamp::from_second(1_800_000_000).expect("valid"),
        domain: "api.example.test".into(),
        data: serde_json::json!({ "n": count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) }),
    };
    // The subscription is there some time after the bus; what comes before is lost by design.
    let heard = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            here.publish(event());
            let wait = tokio::time::timeout(Duration::from_millis(50), heard.recv()).await;
            if let Ok(event) = wait {
                return event.expect("open");
            }
        }
    });
    let heard = heard.await.expect("in time");
    assert_eq!((heard.topic, heard.domain.as_str()), (LiveTopic::Started, "api.example.test"));
}
