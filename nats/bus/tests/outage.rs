//! The shipper, the consumer actor and the live subjects over NATS, through outages of the server and
//! ends of an actor.

mod nats;
mod support;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    process::Command,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use nats::{NatsServer, ready};
use nexus_bus::{
    Consumer, ConsumerConfig, ConsumerSpec, EventStream, Handler, JetStream, LiveBus, NatsConfig,
    Settle, ShipperConfig, ShipperGone, Verdict, backoff::Backoff, consume, ship,
};
use nexus_contract::{
    Event, ExchangeId, Headers, Kind, LiveEvent, LiveTopic, ResponseFinished, SystemClock,
    TerminalState,
};
use nexus_journal::{Journal, JournalConfig, RequestHead};
use support::request;
use tempfile::TempDir;
use tokio::{
    sync::{broadcast, watch},
    task::JoinHandle,
};
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

/// A journal that is shipped.
struct Shipping {
    journal: Journal,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), ShipperGone>>,
    _dir: TempDir,
}

impl Shipping {
    fn start(stream: Arc<JetStream>) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(JournalConfig::new(dir.path(), "a", 7), Arc::new(SystemClock));
        let journal = journal.expect("opens");
        let shutdown = CancellationToken::new();
        let retry = Backoff::new(Duration::from_millis(20), Duration::from_millis(200));
        let running = tokio::spawn(ship(
            journal.reader().expect("the first to ask"),
            stream,
            ShipperConfig { retry, ..ShipperConfig::default() },
            shutdown.clone(),
        ));
        Self { journal, shutdown, running, _dir: dir }
    }

    fn record(&self, numbers: Range<u128>) {
        numbers.for_each(|number| record(&self.journal, number));
    }

    async fn end(self) {
        self.shutdown.cancel();
        self.running.await.expect("no panic").expect("a graceful end");
        assert_eq!(self.journal.status().counts.lost, 0);
    }
}

/// Each of 200 exchanges with two events, none twice.
async fn two_hundred_arrive(stream: &JetStream) {
    let events = || async { stream.status().await.map_or(0, |status| status.events) };
    for _ in 0..600 {
        if events().await >= 400 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(events().await, 400);
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

    let shipping = Shipping::start(stream.clone());
    shipping.record(1..51);
    signal(&server, "-STOP");
    shipping.record(51..101);
    tokio::time::sleep(Duration::from_secs(2)).await;
    signal(&server, "-CONT");
    shipping.record(101..151);
    take_all(&mut consumer, 150).await;
    server.kill();
    shipping.record(151..201);
    server.start_again();
    two_hundred_arrive(&stream).await;
    shipping.end().await;
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

    let shipping = Shipping::start(stream.clone());
    // Past the wire: what the server has is what counts.
    let direct = JetStream::open(server.config()).await.expect("opens");
    ready(&direct).await;
    let faults = [State::Cut, State::Cut, State::Deaf, State::Mute];
    for (fault, first) in faults.into_iter().zip((1..).step_by(50)) {
        shipping.record(first..first + 25);
        wire.set(fault);
        shipping.record(first + 25..first + 50);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let passed = u128::from(direct.status().await.expect("says").events);
        // The one that is mute still hears.
        assert!(fault == State::Mute || passed <= 2 * (first + 24), "{fault:?}: {passed}");
        wire.set(State::Whole);
    }
    two_hundred_arrive(&direct).await;
    shipping.end().await;
}

/// A role that tells what it sees, and how often.
struct Role {
    verdict: fn(u128) -> Verdict,
    seen: watch::Sender<BTreeMap<u128, u32>>,
}

impl Role {
    fn new(verdict: fn(u128) -> Verdict) -> Arc<Self> {
        Arc::new(Self { verdict, seen: watch::Sender::default() })
    }

    fn verdict(&self, event: &Event) -> Verdict {
        let number = event.envelope.id.0.as_u128();
        self.seen.send_modify(|seen| *seen.entry(number).or_default() += 1);
        (self.verdict)(number)
    }

    async fn saw(&self, count: usize) {
        let mut seen = self.seen.subscribe();
        seen.wait_for(|seen| seen.len() == count).await.expect("lives");
    }
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
        batch.iter().map(|event| self.verdict(event)).collect()
    }
}

/// Runs the actor until `done`, and stops it. Long before an acknowledgement is overdue.
async fn run_until(done: impl Future<Output = ()>, stream: Arc<JetStream>, role: Arc<Role>) {
    let shutdown = CancellationToken::new();
    let config = ConsumerConfig::default();
    let running = tokio::spawn(consume(stream, role, config, shutdown.clone()));
    tokio::time::timeout(Duration::from_secs(20), done).await.expect("in time");
    shutdown.cancel();
    running.await.expect("no panic").expect("a graceful end");
}

/// Three events on a server of their own.
async fn three_events() -> (NatsServer, Arc<JetStream>) {
    let server = NatsServer::start("");
    let stream = Arc::new(JetStream::open(server.config()).await.expect("opens"));
    ready(&stream).await;
    stream.publish(&[request(1), request(2), request(3)]).await.expect("publishes");
    (server, stream)
}

/// Not when their acknowledgements are overdue, a minute later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stopped_actor_had_in_hand_comes_to_the_next_one_at_once() {
    let (_server, stream) = three_events().await;
    let without_store = Role::new(|_| Verdict::Later("the store is down".into()));
    run_until(without_store.saw(3), stream.clone(), without_store.clone()).await;
    let with_store = Role::new(|_| Verdict::Done);
    run_until(with_store.saw(3), stream.clone(), with_store.clone()).await;
    let status = stream.status().await.expect("says");
    assert_eq!((status.consumers[0].lag, status.consumers[0].unsettled), (0, 0), "{status:?}");
}

/// It comes again until it is one, with its count, and brings nobody back with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_whose_dead_letter_could_not_be_written_comes_again_at_once() {
    let (server, stream) = three_events().await;
    let client = async_nats::connect(server.url()).await.expect("connects");
    let context = async_nats::jetstream::new(client);
    // Whoever misses it makes it anew, before the next try.
    context.delete_stream("NEXUS_DEAD_LETTERS").await.expect("deletes");
    let role = Role::new(|number| match number {
        1 => Verdict::Reject("no".into()),
        _ => Verdict::Done,
    });
    let buried = async {
        while !stream.list_dead_letters(None, 10).await.is_ok_and(|page| page.items.len() == 1) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    run_until(buried, stream.clone(), role.clone()).await;
    let page = stream.list_dead_letters(None, 10).await.expect("lists");
    assert_eq!((&*page.items[0].reason, page.items[0].attempts), ("no", 2));
    assert_eq!(*role.seen.borrow(), BTreeMap::from([(1, 2), (2, 1), (3, 1)]));
    assert_eq!(stream.status().await.expect("says").consumers[0].unsettled, 0);
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
    let first = first_heard(&here, &[LiveTopic::Started], &mut heard).await;
    assert_eq!((first.topic, first.domain.as_str()), (LiveTopic::Started, "api.example.test"));
    let mut wishes = there.subscribe_to(LiveTopic::Watch);
    let topics = [LiveTopic::Started, LiveTopic::Watch, LiveTopic::Stored];
    let first = first_heard(&here, &topics, &mut wishes).await;
    assert_eq!(first.topic, LiveTopic::Watch, "it is spared the others");
}

/// Publishes events of the topics until one is heard. The subscription is there some time after the
/// first listener; what comes before is lost by design.
async fn first_heard(
    bus: &dyn LiveBus,
    topics: &[LiveTopic],
    heard: &mut broadcast::Receiver<Arc<LiveEvent>>,
) -> Arc<LiveEvent> {
    let (id, at) = (ExchangeId(Uuid::from_u128(1)), Timestamp::from_second(1_800_000_000));
    let at = at.expect("valid");
    let event = |topic| LiveEvent::new(topic, Some(id), at, "api.example.test", &());
    let first = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            for topic in topics {
                bus.publish(event(*topic));
            }
            let wait = tokio::time::timeout(Duration::from_millis(50), heard.recv()).await;
            if let Ok(event) = wait {
                return event.expect("open");
            }
        }
    });
    first.await.expect("in time")
}
