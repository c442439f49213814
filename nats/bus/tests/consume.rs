//! The consumer actor: what a handler says becomes of its events, and when the actor ends.

mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use nexus_bus::{
    ConsumerConfig, ConsumerGone, Encoded, EventStream, Handler, Verdict, backoff::Backoff, consume,
};
use nexus_contract::{Event, Kind};
use support::{Flaky, log, request};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Asks a function, and tells how often each event was handled.
struct Scripted {
    verdict: Box<dyn Fn(u128, u32) -> Verdict + Send + Sync>,
    seen: Mutex<BTreeMap<u128, u32>>,
    batches: AtomicU32,
    done: watch::Sender<usize>,
}

impl Scripted {
    fn new(verdict: impl Fn(u128, u32) -> Verdict + Send + Sync + 'static) -> Arc<Self> {
        let done = watch::Sender::new(0);
        let seen = Mutex::default();
        Arc::new(Self { verdict: Box::new(verdict), seen, batches: AtomicU32::default(), done })
    }

    fn verdict(&self, event: &Event) -> Verdict {
        let number = event.envelope.id.0.as_u128();
        let times = {
            let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let times = seen.entry(number).or_default();
            *times += 1;
            *times
        };
        let verdict = (self.verdict)(number, times);
        self.done.send_modify(|done| *done += usize::from(verdict == Verdict::Done));
        verdict
    }

    fn times(&self, number: u128) -> u32 {
        self.seen.lock().expect("no panic holds it").get(&number).copied().unwrap_or(0)
    }

    async fn until_done(&self, count: usize) {
        let mut done = self.done.subscribe();
        let wait = done.wait_for(|done| *done >= count);
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("in time").expect("lives");
    }
}

#[async_trait]
impl Handler for Scripted {
    fn name(&self) -> &'static str {
        "storage"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::RequestReceived]
    }

    fn ack_timeout(&self) -> Duration {
        Duration::from_millis(900)
    }

    async fn handle(&self, batch: &[Arc<Event>]) -> Vec<Verdict> {
        self.batches.fetch_add(1, Relaxed);
        batch.iter().map(|event| self.verdict(event)).collect()
    }
}

fn config() -> ConsumerConfig {
    let quick = Backoff::new(Duration::from_millis(10), Duration::from_millis(50));
    ConsumerConfig { pause: quick, retry: quick, restart: quick, ..ConsumerConfig::default() }
}

/// Runs the consumer while `work` goes on, then stops it.
async fn during(
    stream: Arc<dyn EventStream>,
    handler: Arc<Scripted>,
    work: impl Future<Output = ()>,
) {
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(consume(stream, handler, config(), shutdown.clone()));
    work.await;
    shutdown.cancel();
    running.await.expect("no panic").expect("a graceful end");
}

async fn publish(stream: &dyn EventStream, numbers: std::ops::RangeInclusive<u128>) {
    stream.publish(&numbers.map(request).collect::<Vec<_>>()).await.expect("publishes");
}

#[tokio::test]
async fn committed_events_are_settled() {
    let dir = tempfile::tempdir().expect("a folder");
    let stream = log(dir.path()).await;
    let handler = Scripted::new(|_, _| Verdict::Done);
    publish(&*stream, 1..=100).await;
    during(stream.clone(), handler.clone(), handler.until_done(100)).await;
    let status = stream.status().await.expect("says");
    assert_eq!((status.consumers[0].lag, status.consumers[0].unsettled), (0, 0));
    assert!((1..=100).all(|number| handler.times(number) == 1));
}

#[tokio::test]
async fn events_that_come_one_by_one_share_a_batch_after_the_first() {
    let dir = tempfile::tempdir().expect("a folder");
    let stream = log(dir.path()).await;
    let handler = Scripted::new(|_, _| Verdict::Done);
    let config = ConsumerConfig { gather: Duration::from_secs(2), ..config() };
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(consume(stream.clone(), handler.clone(), config, shutdown.clone()));
    publish(&*stream, 1..=1).await;
    handler.until_done(1).await;
    for number in 2..=12 {
        publish(&*stream, number..=number).await;
    }
    handler.until_done(12).await;
    assert_eq!(handler.batches.load(Relaxed), 2);
    let stopped = Instant::now();
    shutdown.cancel();
    running.await.expect("no panic").expect("a graceful end");
    assert!(stopped.elapsed() < Duration::from_secs(1), "a stop does not wait for more events");
}

#[tokio::test]
async fn a_panic_costs_the_event_at_fault_and_nobody_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let stream = log(dir.path()).await;
    let handler = Scripted::new(|number, _| {
        assert!(number != 3, "three is too much");
        Verdict::Done
    });
    publish(&*stream, 1..=5).await;
    let waiting = stream.clone();
    during(stream.clone(), handler.clone(), async move {
        let dead = || async { waiting.status().await.expect("says").dead_letters };
        while dead().await == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let page = stream.list_dead_letters(None, 10).await.expect("lists");
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].message_id, request(3).message_id());
    let reason = &page.items[0].reason;
    assert!(reason.contains("failed 5 times") && reason.contains("three is too much"), "{reason}");
    assert_eq!(stream.status().await.expect("says").consumers[0].unsettled, 0);
}

#[tokio::test]
async fn waiting_spends_no_delivery() {
    let dir = tempfile::tempdir().expect("a folder");
    let stream = log(dir.path()).await;
    let handler = Scripted::new(|number, times| match (number, times) {
        (2, ..30) => Verdict::Later("the store is down".into()),
        _ => Verdict::Done,
    });
    publish(&*stream, 1..=3).await;
    during(stream.clone(), handler.clone(), handler.until_done(3)).await;
    let status = stream.status().await.expect("says");
    assert_eq!((status.dead_letters, status.consumers[0].redelivered), (0, 0));
    assert_eq!((handler.times(1), handler.times(2)), (1, 30), "what was done is not done again");
}

#[tokio::test]
async fn what_cannot_be_handled_is_a_dead_letter_with_its_reason() {
    let dir = tempfile::tempdir().expect("a folder");
    let stream = log(dir.path()).await;
    let handler = Scripted::new(|number, _| match number {
        1 => Verdict::Reject("no use".into()),
        _ => Verdict::Done,
    });
    let odd = Encoded {
        message_id: "odd".into(),
        kind: "request.received".into(),
        payload: Bytes::from_static(b"?"),
    };
    stream.publish_encoded(vec![odd]).await.expect("publishes");
    publish(&*stream, 1..=2).await;
    during(stream.clone(), handler.clone(), handler.until_done(1)).await;
    let page = stream.list_dead_letters(None, 10).await.expect("lists");
    let reasons: Vec<_> = page.items.iter().map(|letter| &*letter.reason).collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons.contains(&"no use") && reasons.iter().any(|r| r.contains("shorter")));
}

#[tokio::test]
async fn the_supervisor_restarts_it_when_the_stream_fails() {
    let dir = tempfile::tempdir().expect("a folder");
    let stream = Arc::new(Flaky::new(log(dir.path()).await, 4));
    let handler = Scripted::new(|_, _| Verdict::Done);
    publish(&*stream.inner, 1..=3).await;
    during(stream, handler.clone(), handler.until_done(3)).await;
}

/// It is given back and comes again at once, but not without pause.
#[tokio::test]
async fn what_cannot_be_settled_comes_again_after_longer_and_longer_pauses() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut flaky = Flaky::new(log(dir.path()).await, 0);
    flaky.unsettled = Arc::new(AtomicU32::new(5));
    let stream = Arc::new(flaky);
    let handler = Scripted::new(|_, _| Verdict::Done);
    publish(&*stream.inner, 1..=1).await;
    let restart = Backoff::new(Duration::from_millis(30), Duration::from_secs(5));
    let shutdown = CancellationToken::new();
    let started = Instant::now();
    let config = ConsumerConfig { restart, ..config() };
    let running = tokio::spawn(consume(stream.clone(), handler.clone(), config, shutdown.clone()));
    handler.until_done(6).await;
    // 30, 60, 120, 240 and 480 ms; five times 30 ms otherwise.
    assert!(started.elapsed() >= Duration::from_millis(930), "{:?}", started.elapsed());
    shutdown.cancel();
    running.await.expect("no panic").expect("a graceful end");
    assert_eq!(stream.status().await.expect("says").consumers[0].unsettled, 0);
}

#[tokio::test]
async fn an_actor_that_is_gone_is_an_error() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut flaky = Flaky::new(log(dir.path()).await, 0);
    flaky.refuses_consumers = true;
    let handler = Scripted::new(|_, _| Verdict::Done);
    let gone = consume(Arc::new(flaky), handler, config(), CancellationToken::new()).await;
    assert!(matches!(gone, Err(ConsumerGone::Refused("storage", _))), "{gone:?}");
}
