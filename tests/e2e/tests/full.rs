//! A gateway whose journal has no room, alone: what it could not keep is counted to the last exchange.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::installation::{Daemon, NatsPorts, nats};
use nexus_e2e::{Nexus, NexusBuilder, load, wait};
use nexus_scripted::{Anthropic, Server};
use reqwest::Response;
use serde_json::Value;
use tempfile::TempDir;

const BODY: usize = 1 << 20;
const SOON: Duration = Duration::from_mins(1);
const PASSWORD: &str = "full";

fn upstream() -> Server {
    Server::local(Anthropic::new(Arc::new(SystemClock), "full")).expect("a free port")
}

/// A gateway whose NATS is not there yet.
fn gateway(upstream: &Server, ports: NatsPorts) -> NexusBuilder {
    NexusBuilder::new("gateway", &upstream.url())
        .env("NATS_URL", format!("nats://nexus:{PASSWORD}@127.0.0.1:{}", ports.clients))
        .env("API_KEY_SALT", "salt")
        .env("ALLOW_PASSTHROUGH", "true")
}

async fn send(gateway: &Nexus) -> Response {
    let filler = "x".repeat(BODY);
    let body = format!(
        r#"{{"model":"claude-opus-5-5","max_tokens":9,"messages":[{{"role":"user","content":"{filler} [[say: ok]]"}}]}}"#
    );
    let request = nexus_e2e::http_client().post(format!("{}/v1/messages", gateway.url()));
    load::with_headers(request).body(body).send().await.expect("an answer")
}

async fn count(gateway: &Nexus, name: &str) -> f64 {
    gateway.metric(&format!("nexus_journal_{name}_total")).await.expect("the metrics")
}

/// Begun = ended + left as a tombstone + left without a trace + a tombstone that waits for room. Gives
/// how many have not ended well.
async fn assert_exact(gateway: &Nexus, served: f64) -> f64 {
    let accounted = async || {
        let [begun, ended] = [count(gateway, "exchanges").await, count(gateway, "ended").await];
        let [marked, lost] = [count(gateway, "tombstones").await, count(gateway, "lost").await];
        let waiting = gateway.metric("nexus_journal_waiting_tombstones").await;
        let unkept = marked + lost + waiting.expect("the metrics");
        let exact = (begun - ended - unkept).abs() < 0.5 && (begun - served).abs() < 0.5;
        exact.then_some(unkept)
    };
    wait::until("every exchange in one of the counts", SOON, accounted).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn required_capture_refuses_what_it_cannot_keep() {
    let upstream = upstream();
    let gateway = gateway(&upstream, NatsPorts::free())
        .env("NEXUS_CAPTURE", "required")
        .env("NEXUS_JOURNAL_MAX_BYTES", "32MiB");
    refuses(&gateway.start().await.expect("it starts"), 60).await;
}

/// The same of a disk that is full, and an end of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn required_capture_refuses_on_a_full_disk_until_there_is_room() {
    let Some(disk) = SmallDisk::mount("96m") else { return };
    let (upstream, ports) = (upstream(), NatsPorts::free());
    let gateway = gateway(&upstream, ports)
        .env("NEXUS_CAPTURE", "required")
        .env("NEXUS_DATA_DIR", disk.path());
    let gateway = gateway.start().await.expect("it starts");
    refuses(&gateway, 110).await;
    let _nats = start_nats(ports).await;
    let served = async || (send(&gateway).await.status() == 200).then_some(());
    wait::until("room on the disk", SOON, served).await;
}

/// Within so many MiB.
async fn refuses(gateway: &Nexus, most: usize) {
    let mut refused = None;
    for _ in 0..most {
        let answer = send(gateway).await;
        match answer.status().as_u16() {
            200 => {}
            529 => refused = Some(answer),
            other => panic!("status {other}"),
        }
        if refused.is_some() {
            break;
        }
    }
    let refused = refused.unwrap_or_else(|| panic!("nothing is full after {most} MiB"));
    let seconds = refused.headers()["retry-after"].to_str().expect("text").parse::<u64>();
    assert!(seconds.is_ok_and(|seconds| seconds > 0));
    let body: Value = refused.json().await.expect("JSON");
    assert_eq!(
        (&body["type"], &body["error"]["type"]),
        (&"error".into(), &"overloaded_error".into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn available_capture_serves_and_counts_and_goes_on_when_there_is_room() {
    let (upstream, ports) = (upstream(), NatsPorts::free());
    let gateway = gateway(&upstream, ports).env("NEXUS_JOURNAL_MAX_BYTES", "32MiB");
    fills_up_and_goes_on(gateway.start().await.expect("it starts"), ports).await;
}

/// The disk and not the bound is what is full.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_survived_like_a_full_journal() {
    let Some(disk) = SmallDisk::mount("96m") else { return };
    let (upstream, ports) = (upstream(), NatsPorts::free());
    let gateway = gateway(&upstream, ports).env("NEXUS_DATA_DIR", disk.path());
    fills_up_and_goes_on(gateway.start().await.expect("it starts"), ports).await;
}

async fn fills_up_and_goes_on(gateway: Nexus, ports: NatsPorts) {
    let mut served = 0.0;
    for _ in 0..110 {
        assert_eq!(send(&gateway).await.status(), 200, "{}", gateway.log());
        served += 1.0;
    }
    let unkept = assert_exact(&gateway, served).await;
    assert!(unkept > 0.0 && unkept < served, "{unkept} of {served} were not kept");

    let _nats = start_nats(ports).await;
    let again = AtomicU64::new(0);
    let kept = async || {
        let before = count(&gateway, "ended").await;
        assert_eq!(send(&gateway).await.status(), 200);
        again.fetch_add(1, Ordering::Relaxed);
        (count(&gateway, "ended").await > before).then_some(())
    };
    wait::until("room in the journal", SOON, kept).await;
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let served = served + again.into_inner() as f64;
    let still = assert_exact(&gateway, served).await;
    assert!(still >= unkept, "what was not kept stays counted");
}

async fn start_nats(ports: NatsPorts) -> (Daemon, TempDir) {
    let dir = tempfile::tempdir().expect("a folder");
    let server = nats::start(dir.path(), "nats-1", ports, Vec::new(), PASSWORD).await;
    (server.expect("NATS starts"), dir)
}

/// A file system of its own, gone when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None`, with a line that says so, where nothing may be mounted.
    fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(dir.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        eprintln!("skipped: no tmpfs can be mounted here");
        None
    }

    fn path(&self) -> String {
        Path::display(self.0.path()).to_string()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg("-l").arg(self.0.path()).status();
        assert!(gone.is_ok_and(|status| status.success()), "the small disk can't be unmounted");
    }
}
