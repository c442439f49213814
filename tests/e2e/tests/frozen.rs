//! With the store and the event stream frozen, requests go on; afterwards everything is stored once.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use nexus_contract::SystemClock;
use nexus_e2e::ledger::Ledger;
use nexus_e2e::payload::Payload;
use nexus_e2e::{Nexus, http_client, load, oracle, wait};
use nexus_scripted::{Anthropic, Server};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const CLIENTS: usize = 8;
const DRAIN: Duration = Duration::from_mins(3);
const SOON: Duration = Duration::from_secs(30);
/// What the machine's other work may add, whatever the store does.
const NOISE: Duration = Duration::from_millis(50);

/// Holds the write lock of a SQLite file until it is dropped, from a process of its own.
struct Held(#[expect(dead_code, reason = "killed when it is dropped")] Child);

async fn hold(path: &Path) -> Held {
    let script = "import sqlite3, sys\n\
        c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n\
        c.execute('BEGIN IMMEDIATE')\n\
        print('held', flush=True)\n\
        sys.stdin.read()\n";
    let mut command = Command::new("python3");
    command.args(["-c", script]).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().expect("python3");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let said = lines.next_line().await.expect("a line");
    assert_eq!(said.as_deref(), Some("held"), "{}", path.display());
    Held(child)
}

/// Sends so many requests from several clients; how long each took, sorted.
async fn round(url: &str, ledger: &Ledger, numbers: std::ops::Range<u64>) -> Vec<Duration> {
    let url = format!("{url}/v1/messages");
    let client = http_client();
    let one = async |number: u64| {
        let payload = Payload { number };
        ledger.issued(number);
        let start = Instant::now();
        load::exchange(&client, &url, payload, ledger).await.expect("an answer");
        start.elapsed()
    };
    let mut took: Vec<_> = stream::iter(numbers).map(one).buffer_unordered(CLIENTS).collect().await;
    took.sort_unstable();
    took
}

fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

fn print(name: &str, took: &[Duration]) {
    let at = |share: usize| took[(took.len() * share / 100).min(took.len() - 1)];
    eprintln!("{name}: {} requests, p50 {:?}, p99 {:?}", took.len(), at(50), at(99));
}

async fn metric(nexus: &Nexus, name: &str) -> f64 {
    let text = http_client().get(format!("{}/metrics", nexus.url())).send().await.expect("metrics");
    let text = text.text().await.expect("text");
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_go_on_while_store_and_stream_are_locked() {
    let upstream = Server::local(Anthropic::new(Arc::new(SystemClock), "frozen")).expect("a port");
    let nexus = Nexus::up(&upstream.url()).await.expect("nexus starts");
    let (url, ledger) = (nexus.url(), Ledger::default());
    let free = round(&url, &ledger, 0..200).await;
    nexus.drained(200, DRAIN).await;

    let data = nexus.dir().join("data");
    let stream = hold(&data.join("stream/events.sqlite")).await;
    let store = hold(&data.join("nexus.sqlite")).await;
    let depth = metric(&nexus, "nexus_journal_used_bytes").await;
    let frozen = round(&url, &ledger, 200..1000).await;
    // The gauge follows the writer, which is never waited for.
    wait::until("a deeper journal", SOON, async || {
        (metric(&nexus, "nexus_journal_used_bytes").await > depth).then_some(())
    })
    .await;
    let stored = nexus.api().requests("").await.expect("reading goes on").len();
    assert_eq!(stored, 200, "nothing can have been stored meanwhile");
    drop((stream, store));

    print("free", &free);
    print("frozen", &frozen);
    // A request that waited for either would take as long as the freeze.
    let (before, meanwhile) = (median(&free), median(&frozen));
    assert!(meanwhile <= before * 10 + NOISE, "{meanwhile:?}, and {before:?} before");
    let report = oracle::audit(&nexus.api(), &ledger, DRAIN).await.expect("the API answers");
    eprintln!("{report:?}");
    assert_eq!((report.issued, report.completed, report.stored), (1000, 1000, 1000));
    report.assert_clean();
    oracle::assert_fresh(&nexus.api(), &url, SOON).await;
}
