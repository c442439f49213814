//! Commands beside running processes.

use std::{path::Path, process::Output, time::Duration};

use async_nats::jetstream::{self, stream::Stream};
use nexus_contract::{Clock, ExchangeId, SystemClock};
use nexus_e2e::{Api, Nats, Nexus, NexusBuilder, http_client, nexus::DASHBOARD_KEY, wait};
use nexus_store::{
    StoreConfig,
    analyses::{Branch, LeaseRequest, NewAnalysis},
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_mins(1);
const STREAM: &str = "NEXUS_EVENTS";
const SESSION: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../linker-actor/linking/captures/s06_subagent.jsonl");

async fn up() -> Nexus {
    Nexus::up("http://127.0.0.1:9").await.expect("nexus starts")
}

async fn run(builder: NexusBuilder) -> Output {
    tokio::time::timeout(SOON, builder.once()).await.expect("it ends").expect("it runs")
}

/// What a command that must succeed prints as JSON.
async fn printed(builder: NexusBuilder) -> Value {
    let output = run(builder).await;
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Exit code and error.
fn failure(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_through_a_running_instance_is_stored_and_linked_when_it_returns() {
    let nexus = up().await;
    let import = format!("import {SESSION} --url {} --json", nexus.dashboard());
    let first = printed(nexus.beside(&import)).await;
    assert_eq!((&first["accepted"], &first["duplicates"]), (&json!(5), &json!(0)));
    let conversation = nexus.api().conversation("s06-005").await.expect("the conversation");
    assert_eq!(conversation["nodes"].as_array().map(Vec::len), Some(5), "{conversation}");
    let again = printed(nexus.beside(&import)).await;
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(5)));

    let wrong = run(nexus.beside(&import).env("DASHBOARD_API_KEY", "another")).await;
    let (code, error) = failure(&wrong);
    assert!(code == Some(1) && error.contains("log in"), "{error}");
    let held = nexus.dir().join("data");
    let held = nexus.beside(&format!("import {SESSION}")).env("NEXUS_DATA_DIR", text(&held));
    let (code, error) = failure(&run(held).await);
    assert!(code == Some(1) && error.contains("--url"), "{error}");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

async fn stream(nats: &Nats) -> Option<Stream> {
    let client = async_nats::connect(&nats.url).await.expect("a connection");
    jetstream::new(client).get_stream(STREAM).await.ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn setting_up_nats_makes_stream_and_consumers_and_can_be_repeated() {
    let nats = Nats::start().await.expect("nats-server starts");
    assert!(stream(&nats).await.is_none());
    let setup = || NexusBuilder::plain("nats setup --json").env("NATS_URL", &nats.url);
    assert_eq!(printed(setup()).await, json!({"streams": "current"}));
    let made = stream(&nats).await.expect("the stream").cached_info().state.clone();
    assert!(made.consumer_count >= 3, "linker, storage and analysis: {made:?}");
    assert_eq!(printed(setup()).await, json!({"streams": "current"}));
    let same = stream(&nats).await.expect("the stream").cached_info().state.clone();
    assert_eq!(same.consumer_count, made.consumer_count);

    drop(nats);
    let gone = NexusBuilder::plain("nats setup").env("NATS_URL", "nats://127.0.0.1:9");
    let (code, error) = failure(&run(gone).await);
    assert!(code == Some(1) && error.starts_with("error: "), "{error}");
}

/// The event says the same as the one of a worker that ends such a job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_a_command_fails_is_told_on_the_stream() {
    let nats = Nats::start().await.expect("nats-server starts");
    let dir = tempfile::tempdir().expect("a directory");
    let database = format!("sqlite://{}", dir.path().join("nexus.sqlite").display());
    let with = |command: &str| {
        let builder = NexusBuilder::plain(command).env("NATS_URL", &nats.url);
        builder.env("DATABASE_URL", &database).env("AI_ANALYSIS_MAX_RETRIES", "1")
    };
    printed(with("migrate --json")).await;
    printed(with("nats setup --json")).await;
    let store = nexus_store::open(&StoreConfig::new(database.as_str())).await.expect("it opens");
    let (now, branch_id) = (SystemClock.now(), "main".to_owned());
    let branch = Branch { conversation_id: ExchangeId::from_external("c"), branch_id };
    let new = NewAnalysis { branch, custom_prompt: None, requested_by: "x".into(), at: now };
    store.request_analysis(&new).await.expect("made");
    // It ends as it begins.
    let worker = "vanished".to_owned();
    let lease = LeaseRequest { worker, now, until: now, max_jobs: 1, max_attempts: 1 };
    assert_eq!(store.lease_analyses(&lease).await.expect("leased").len(), 1);

    assert_eq!(printed(with("analyses fail-exceeded --json")).await, json!({"failed": 1}));
    let stream = stream(&nats).await.expect("the stream");
    assert_eq!(stream.cached_info().state.messages, 1);
    let last = stream.cached_info().state.last_sequence;
    let message = stream.get_raw_message(last).await.expect("the message");
    assert!(message.subject.ends_with("analysis.finished"), "{}", message.subject);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_says_whether_a_role_answers() {
    let mut nexus = up().await;
    let health = |nexus: &Nexus| nexus.beside("health").env("PORT", nexus.port().to_string());
    let well = run(health(&nexus)).await;
    assert!(well.status.success(), "{well:?}");
    assert!(nexus.stop().await.expect("it stops").success());
    let (code, error) = failure(&run(health(&nexus)).await);
    assert!(code == Some(1) && error.contains("no role answers"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_belongs_to_one_process() {
    let nexus = up().await;
    let data = nexus.dir().join("data");
    let second = run(nexus.beside("up").env("NEXUS_DATA_DIR", text(&data))).await;
    let (code, error) = failure(&second);
    assert_eq!(code, Some(1), "{error}");
    let told = error.lines().find(|line| line.starts_with("error: ")).expect("an error");
    assert!(told.contains("in use by another process") && told.contains(text(&data)), "{told}");
    let letters = nexus.beside("dead-letters list").env("NEXUS_DATA_DIR", text(&data));
    let (code, error) = failure(&run(letters).await);
    assert!(code == Some(1) && error.contains("use its Pipeline page"), "{error}");
    // The first one does not notice.
    let import = format!("import {SESSION} --url {} --json", nexus.dashboard());
    assert_eq!(printed(nexus.beside(&import)).await["accepted"], 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_comes_alive_without_an_account_and_leaves_nothing() {
    let scratch = tempfile::tempdir().expect("a directory");
    let demo = NexusBuilder::plain("demo").env("TMPDIR", text(scratch.path()));
    let mut demo = demo.start().await.expect("nexus demo starts");
    let api = Api::new(demo.dashboard(), DASHBOARD_KEY);
    let conversation = wait::until("a conversation of some turns", SOON, async || {
        let found = api.conversations("").await.ok()?;
        let grown = |one: &&Value| one["requestCount"].as_u64().is_some_and(|count| count >= 3);
        found.iter().find(grown).and_then(|one| one["conversationId"].as_str()).map(str::to_owned)
    })
    .await;
    let of_it = ["", "/transcript", "/timeline", "/cost", "/analysis"];
    let of_it = of_it.map(|tab| format!("/conversations/{conversation}{tab}"));
    let pages = [
        "/",
        "/conversations",
        "/requests",
        "/live",
        "/usage",
        "/prompts",
        "/prompts/review",
        "/pipeline",
        "/setup",
    ];
    for page in pages.map(str::to_owned).iter().chain(&of_it) {
        let answer = http_client().get(format!("{}{page}", demo.dashboard())).send().await;
        let answer = answer.expect("an answer");
        assert!(answer.status().is_success(), "{page}: {}", answer.status());
    }
    let prompts = api.get("mcp/prompts").await.expect("prompts");
    assert!(prompts["prompts"].as_array().is_some_and(|all| all.len() > 4), "{prompts}");
    assert!(demo.stop().await.expect("it stops").success(), "{}", demo.log());
    let left: Vec<_> = std::fs::read_dir(scratch.path()).expect("the directory").collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!demo.log().contains("broke off"), "{}", demo.log());
}
