//! The shipper and the live subjects over NATS, through outages of the server.

mod nats;

use std::{
    process::Command,
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use nats::{NatsServer, ready};
use nexus_bus::{
    Consumer, ConsumerSpec, EventStream, JetStream, LiveBus, Settle, ShipperConfig,
    backoff::Backoff, ship,
};
use nexus_contract::{
    ExchangeId, Headers, Kind, LiveEvent, LiveTopic, ResponseFinished, SystemClock, TerminalState,
};
use nexus_journal::{Journal, JournalConfig, RequestHead};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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
    let mut seen = std::collections::BTreeSet::new();
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
