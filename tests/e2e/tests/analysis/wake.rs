//! What makes a worker look at the queue between two of its polls.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream;
use nexus_contract::{
    AnalysisRequested, Clock, Envelope, Event, ExchangeId, Payload, SystemClock, encode,
};
use nexus_e2e::{Nats, Nexus, NexusBuilder, wait};
use nexus_scripted::Server;
use nexus_store::{
    Store, StoreConfig,
    analyses::{Analysis, Branch as Asked, LeaseRequest, NewAnalysis, Requested},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::{Branch, PATIENCE, ask, builder, gemini, is_completed, job, told};

/// A poll would come after a day.
const NEVER: &str = "86400000";
const SOON: Duration = Duration::from_secs(20);

/// A front and a worker that does not poll, over JetStream.
struct Apart {
    front: Nexus,
    worker: Nexus,
    nats: Nats,
    store: Arc<dyn Store>,
    _gemini: Server,
    _dir: TempDir,
}

impl Apart {
    async fn new() -> Self {
        let (gemini, nats) = (gemini(), Nats::start().await.expect("nats-server starts"));
        let dir = TempDir::with_prefix("nexus-wake-").expect("a directory");
        let database = format!("sqlite://{}", dir.path().join("nexus.sqlite").display());
        let with = |role: &str| -> NexusBuilder {
            builder(role, &gemini)
                .env("NATS_URL", &nats.url)
                .env("DATABASE_URL", &database)
                .env("API_KEY_SALT", "salt")
                .env("AI_WORKER_POLL_INTERVAL_MS", NEVER)
        };
        let front = with("up").env("AI_WORKER_ENABLED", "false").start().await.expect("it starts");
        let worker = with("analysis").start().await.expect("nexus analysis starts");
        let store = open(&database).await;
        Self { front, worker, nats, store, _gemini: gemini, _dir: dir }
    }
}

async fn open(database: &str) -> Arc<dyn Store> {
    nexus_store::open(&StoreConfig::new(database)).await.expect("the store opens")
}

/// A worker looks when it starts, and when a job of its own has ended. Behind this it has done both,
/// and nothing is left but to be woken.
async fn first_job(front: &Nexus, worker: &Nexus) {
    let first = told(front, "first", "hello").await;
    ask(front, &first).await;
    job(front, &first, is_completed).await;
    idle(worker).await;
}

async fn idle(worker: &Nexus) {
    wait::until("an idle worker", PATIENCE, async || {
        let running = worker.metric("nexus_analysis_running_jobs").await.ok()?;
        (running == 0.0).then_some(())
    })
    .await;
}

async fn completes_soon(front: &Nexus, worker: &Nexus, branch: &Branch) {
    let done = tokio::time::timeout(SOON, job(front, branch, is_completed)).await;
    assert!(done.is_ok(), "{branch:?} waits for a poll:\n{}", worker.log());
}

/// A job that nobody is told of.
async fn queued(store: &dyn Store, branch: &Branch) -> Analysis {
    let conversation_id = branch.conversation.parse::<ExchangeId>().expect("an id");
    let new = NewAnalysis {
        branch: Asked { conversation_id, branch_id: branch.id.clone() },
        custom_prompt: None,
        requested_by: "a test".into(),
        at: SystemClock.now(),
    };
    match store.request_analysis(&new).await.expect("made") {
        Requested::Created(job) => job,
        other => panic!("there was one: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_over_jetstream_wakes_a_worker_that_does_not_poll() {
    let Apart { front, worker, nats, store, .. } = &Apart::new().await;
    first_job(front, worker).await;
    let second = told(front, "second", "hello again").await;
    ask(front, &second).await;
    completes_soon(front, worker, &second).await;
    idle(worker).await;

    // The event alone, without what live subjects say beside it.
    let third = told(front, "third", "hello once more").await;
    let event = requested(&queued(store.as_ref(), &third).await);
    let client = async_nats::connect(&nats.url).await.expect("a connection");
    let wire = encode(&event).expect("it encodes");
    let subject = format!("nexus.events.{}", event.kind().as_str());
    // It lives until the acknowledgement: with it goes the connection.
    let stream = jetstream::new(client);
    let sent = stream.publish(subject, wire).await.expect("sent");
    sent.await.expect("stored");
    completes_soon(front, worker, &third).await;
}

fn requested(job: &Analysis) -> Event {
    let Asked { conversation_id, branch_id } = job.branch.clone();
    let job_id = job.job_id.to_string();
    let asked = AnalysisRequested { job_id, conversation_id, branch_id, run: job.run };
    let envelope = Envelope {
        id: conversation_id,
        at: job.requested_at,
        gateway: "test".into(),
        domain: String::new(),
        account_id: None,
        payload: Payload::AnalysisRequested(asked),
    };
    Event { envelope, body: None }
}

/// A job that failed, and one whose worker vanished: each command that queues them again has the
/// worker take them. `beside` makes a command of its arguments.
async fn commands_wake(
    front: &Nexus,
    worker: &Nexus,
    store: &dyn Store,
    beside: impl Fn(&str) -> NexusBuilder,
) {
    first_job(front, worker).await;
    let failing = told(front, "failing", "hello [[gemini status=400 times=1]]").await;
    ask(front, &failing).await;
    job(front, &failing, |job| job["status"] == "failed").await;
    idle(worker).await;
    // By the name of an exchange in it, as the data API takes it.
    let again = printed(beside(&format!("analyses retry failing {} --json", failing.id))).await;
    assert_eq!(again["conversationId"], failing.conversation.as_str());
    completes_soon(front, worker, &failing).await;
    idle(worker).await;

    let stuck = told(front, "stuck", "hello, is anybody there?").await;
    queued(store, &stuck).await;
    let now = SystemClock.now();
    let (vanished, until) = ("vanished".to_owned(), now);
    let lease = LeaseRequest { worker: vanished, now, until, max_jobs: 1, max_attempts: 1 };
    assert_eq!(store.lease_analyses(&lease).await.expect("leased").len(), 1);
    assert_eq!(printed(beside("analyses reset-stuck --json")).await, json!({"reset": 1}));
    completes_soon(front, worker, &stuck).await;
}

/// What a command that must succeed, and warn of nothing, prints as JSON.
async fn printed(command: NexusBuilder) -> Value {
    let output = command.once().await.expect("it runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_wake_a_worker_over_jetstream() {
    let Apart { front, worker, store, .. } = &Apart::new().await;
    let beside = |arguments: &str| front.beside(arguments);
    commands_wake(front, worker, store.as_ref(), beside).await;
}

/// The embedded stream is the running process's alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_wake_the_worker_of_a_running_instance() {
    let gemini = gemini();
    let up = builder("up", &gemini).env("AI_WORKER_POLL_INTERVAL_MS", NEVER);
    let up = up.start().await.expect("nexus up starts");
    let data = up.dir().join("data");
    let store = open(&format!("sqlite://{}", data.join("nexus.sqlite").display())).await;
    let port = up.dashboard().rsplit(':').next().expect("a port").to_owned();
    let beside = |arguments: &str| {
        let command = up.beside(arguments).env("DASHBOARD_PORT", &port);
        command.env("NEXUS_DATA_DIR", data.to_str().expect("UTF-8"))
    };
    commands_wake(&up, &up, store.as_ref(), beside).await;
}
