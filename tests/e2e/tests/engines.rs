//! Settings of store and event stream, each with its effect on the running binary.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::installation::Daemon;
use nexus_e2e::ledger::Ledger;
use nexus_e2e::payload::Payload;
use nexus_e2e::{Nats, Nexus, NexusBuilder, http_client, load, nats, paths, ports, wait};
use nexus_scripted::{Anthropic, Server};
use rustix::process::Signal;
use serde_json::Value;
use tokio::process::Command;

const SOON: Duration = Duration::from_secs(20);

fn upstream() -> Server {
    Server::local(Anthropic::new(Arc::new(SystemClock), "engines")).expect("a free port")
}

async fn store_one(nexus: &Nexus) {
    let (url, ledger) = (format!("{}/v1/messages", nexus.url()), Ledger::default());
    ledger.issued(0);
    load::exchange(&http_client(), &url, Payload { number: 0 }, &ledger).await.expect("an answer");
    nexus.drained(1, SOON).await;
}

/// The warnings that sqlx logs of slow statements.
fn slow_statements(nexus: &Nexus) -> usize {
    let log = nexus.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_slow = |line: &Value| line["target"] == "sqlx::query" && line["level"] == "WARN";
    lines.filter(is_slow).count()
}

#[tokio::test]
async fn statements_slower_than_was_set_are_warned_of() {
    let upstream = upstream();
    let builder = NexusBuilder::new("up", &upstream.url()).env("SLOW_QUERY_THRESHOLD_MS", "0");
    let impatient = builder.start().await.expect("nexus starts");
    store_one(&impatient).await;
    assert!(slow_statements(&impatient) > 0, "{}", impatient.log());
    let builder =
        NexusBuilder::new("up", &upstream.url()).env("SLOW_QUERY_THRESHOLD_MS", "3600000");
    let patient = builder.start().await.expect("nexus starts");
    store_one(&patient).await;
    assert_eq!(slow_statements(&patient), 0, "{}", patient.log());
}

/// What a full stream does is in the suite of both streams; here the bound arrives.
#[tokio::test]
async fn the_stream_has_the_bound_that_was_set() {
    let upstream = upstream();
    let builder = NexusBuilder::new("up", &upstream.url()).env("NEXUS_STREAM_MAX_BYTES", "7MiB");
    let nexus = builder.start().await.expect("nexus starts");
    let bound = wait::until("the stream's figures", SOON, async || {
        nexus.metric("nexus_stream_max_bytes").await.ok().filter(|bound| *bound > 0.0)
    });
    assert_eq!(bound.await.to_string(), (7 << 20).to_string());
}

/// Puts a dead letter of an age in days into the embedded log of a process that doesn't run.
async fn put_dead_letter(nexus: &Nexus, consumer: &str, days: u32) {
    let script = "import sqlite3, sys, time\n\
        c = sqlite3.connect(sys.argv[1])\n\
        at = int((time.time() - int(sys.argv[3]) * 86400) * 1000000)\n\
        row = (sys.argv[2], 'm', 'request.received', 'none', 1, at, b'')\n\
        names = 'consumer, message_id, kind, reason, attempts, at, payload'\n\
        c.execute('INSERT INTO dead_letters (%s) VALUES (?, ?, ?, ?, ?, ?, ?)' % names, row)\n\
        c.commit()\n";
    let log = nexus.dir().join("data/stream/events.sqlite");
    let mut python = Command::new("python3");
    python.args(["-c", script]).arg(log).args([consumer, &days.to_string()]);
    let output = python.output().await.expect("python3");
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn dead_letters_go_at_the_age_that_was_set() {
    let upstream = upstream();
    let builder =
        NexusBuilder::new("up", &upstream.url()).env("NEXUS_RETENTION_DEAD_LETTERS", "30d");
    let mut nexus = builder.start().await.expect("nexus starts");
    store_one(&nexus).await;
    nexus.stop().await.expect("it stops");
    for (consumer, days) in [("storage", 29), ("linker", 31), ("storage", 400)] {
        put_dead_letter(&nexus, consumer, days).await;
    }
    nexus.restart().await.expect("it starts again");
    wait::until("the old ones' end", SOON, async || {
        let dropped = |line: &str| {
            let line: Option<Value> = serde_json::from_str(line).ok();
            line.is_some_and(|line| {
                line["message"] == "old dead letters dropped" && line["dropped"] == 2
            })
        };
        nexus.log().lines().any(dropped).then_some(())
    })
    .await;
    wait::until("the stream's figures", SOON, async || {
        let left = nexus.metric("nexus_stream_dead_letters").await.ok()?;
        (left > 0.0 && left < 2.0).then_some(())
    })
    .await;
}

/// An authority, and a certificate for 127.0.0.1 that it signed, with the certificate's key.
async fn certificates(dir: &Path) {
    let openssl = async |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2"]);
        let made = command.args(arguments.split(' ')).current_dir(dir).output().await;
        let made = made.expect("openssl is installed");
        assert!(made.status.success(), "{made:?}");
    };
    openssl("-subj /CN=authority -keyout ca.key -out ca.pem").await;
    openssl(
        "-subj /CN=nats -addext subjectAltName=IP:127.0.0.1 \
         -addext basicConstraints=critical,CA:FALSE \
         -CA ca.pem -CAkey ca.key -keyout cert.key -out cert.pem",
    )
    .await;
}

/// What `nexus doctor` finds of the stream at a server that speaks TLS.
async fn doctor(url: &str, ca: Option<&Path>) -> Value {
    let mut builder = NexusBuilder::plain("doctor --json")
        .env("CLAUDE_API_BASE_URL", "http://127.0.0.1:9")
        .env("API_KEY_SALT", "salt")
        .env("NATS_URL", url);
    if let Some(ca) = ca {
        builder = builder.env("NEXUS_NATS_CA", ca.display().to_string());
    }
    let output: Output = builder.once().await.expect("it runs");
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let of_stream = findings.iter().find(|finding| finding["check"] == "stream");
    of_stream.expect("a finding of the stream").clone()
}

#[tokio::test]
async fn a_private_authority_of_the_nats_servers_is_trusted_when_it_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    certificates(dir.path()).await;
    let [port] = ports::free();
    let at = |name: &str| dir.path().join(name);
    let text = format!(
        "listen: \"127.0.0.1:{port}\"\n{}tls {{ cert_file: \"{}\", key_file: \"{}\" }}\n",
        nats::jetstream(&at("store"), "64GB"),
        at("cert.pem").display(),
        at("cert.key").display(),
    );
    std::fs::write(at("nats.conf"), text).expect("written");
    let file = at("nats.conf");
    let command = move || {
        let mut command = std::process::Command::new(paths::python_tool("nats-server"));
        command.arg("-c").arg(&file);
        command
    };
    let started = Daemon::start("nats", dir.path(), port, Signal::TERM, command).await;
    let _nats = started.expect("nats-server starts");
    let url = format!("tls://127.0.0.1:{port}");
    let trusted = doctor(&url, Some(&at("ca.pem"))).await;
    assert_eq!(trusted["verdict"], "ok", "{trusted}");
    let unknown = doctor(&url, None).await;
    assert_eq!(unknown["verdict"], "problem", "{unknown}");
}

#[tokio::test]
async fn a_nats_server_without_room_for_the_streams_says_how_much_they_need() {
    let nats = Nats::with_room("4GB").await.expect("NATS starts");
    let found = doctor(&nats.url, None).await;
    assert_eq!(found["verdict"], "problem", "{found}");
    let says = |field: &str, words: &str| {
        let text = found[field].as_str().unwrap_or_default();
        assert!(text.contains(words), "{words}: {found}");
    };
    says("detail", "6656 MiB");
    says("mend", "NEXUS_STREAM_MAX_BYTES");
}
