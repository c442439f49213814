//! A gateway on a free port, and a client that sees every byte.
#![allow(dead_code, reason = "every test file uses its own part")]

pub mod raw;
pub mod tls;

use std::{
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use nexus_bus::LocalLiveBus;
use nexus_contract::{Event, IdSource, Payload, ResponseFinished, SystemClock};
use nexus_gateway::{Gateway, GatewayConfig, GatewayDeps};
use nexus_journal::{Journal, JournalConfig, JournalStatus, Reader};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// No step of a test takes longer on any machine; only a failure does.
pub const LIMIT: Duration = Duration::from_secs(30);

/// A running gateway.
pub struct Running {
    pub addr: SocketAddr,
    pub shutdown: CancellationToken,
    pub live: Arc<LocalLiveBus>,
    pub dir: TempDir,
    /// Held by the gateway alone: with it the journal is closed.
    journal: Weak<Journal>,
    reader: tokio::sync::Mutex<Reader>,
    served: tokio::task::JoinHandle<()>,
}

/// Settings for tests: pass-through to `upstream`, quick time-outs, two workers.
pub fn config(upstream: &str) -> GatewayConfig {
    let mut config = GatewayConfig::default();
    upstream.clone_into(&mut config.upstream.base_url);
    config.access.allow_passthrough = true;
    config.access.api_key_salt = "salt".to_owned().into();
    config.clients.workers = Some(2);
    config.clients.drain_timeout = Duration::from_secs(1);
    config
}

/// Starts a gateway.
pub fn start(config: GatewayConfig) -> Running {
    start_in(config, tempfile::tempdir().expect("a temporary folder"))
}

/// Starts a gateway whose journal, and whatever else the test put there, is in `dir`.
pub fn start_in(config: GatewayConfig, dir: TempDir) -> Running {
    start_with(config, dir, |_default| {})
}

/// The same, with a journal of other settings.
pub fn start_with(
    config: GatewayConfig,
    dir: TempDir,
    set: impl FnOnce(&mut JournalConfig),
) -> Running {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    let clock = Arc::new(SystemClock);
    let mut settings = JournalConfig::new(dir.path().join("journal"), "test", 7);
    set(&mut settings);
    let journal = Arc::new(Journal::open(settings, clock.clone()).expect("a journal"));
    let reader = tokio::sync::Mutex::new(journal.reader().expect("the first reader"));
    let live = Arc::new(LocalLiveBus::new(1024));
    let held = Arc::downgrade(&journal);
    let deps = GatewayDeps {
        journal: Some(journal),
        live: live.clone(),
        clock: clock.clone(),
        ids: Arc::new(IdSource::new(clock, random)),
        random: Arc::new(random),
        render_metrics: Arc::new(String::new),
    };
    let shutdown = CancellationToken::new();
    let gateway = Gateway::new(config, deps).expect("valid settings");
    let stop = shutdown.clone();
    let served = tokio::spawn(async move {
        gateway.serve(listener, |_app| {}, stop).await.expect("serves");
    });
    Running { addr, shutdown, live, dir, journal: held, reader, served }
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("randomness");
    u64::from_le_bytes(bytes)
}

impl Running {
    /// The next event of the journal.
    pub async fn event(&self) -> Event {
        tokio::time::timeout(LIMIT, self.next_event()).await.expect("an event in time")
    }

    /// The next event, however long it takes.
    pub async fn next_event(&self) -> Event {
        let mut reader = self.reader.lock().await;
        let mut growth = reader.growth();
        loop {
            if let Some(ready) = reader.next_ready().expect("a readable journal") {
                let assembled = reader.assemble(&ready).expect("a readable event");
                reader.acknowledge(&ready).expect("acknowledged");
                return assembled.event.expect("an event");
            }
            assert!(growth.more().await, "the journal was closed");
        }
    }

    /// The next end of an exchange, with the answer's body.
    pub async fn finished(&self) -> (ResponseFinished, Vec<u8>) {
        loop {
            let event = self.event().await;
            if let Payload::ResponseFinished(finished) = event.envelope.payload {
                let body = event.body.map(|body| body.raw().expect("a whole body").to_vec());
                return (finished, body.unwrap_or_default());
            }
        }
    }

    pub fn journal(&self) -> JournalStatus {
        self.journal.upgrade().expect("the gateway runs").status()
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(mut self) {
        self.wait_for_stop().await;
    }

    /// The same, and its folder stays.
    pub async fn stop_and_keep(mut self) -> TempDir {
        self.wait_for_stop().await;
        std::mem::replace(&mut self.dir, tempfile::tempdir().expect("a folder"))
    }

    async fn wait_for_stop(&mut self) {
        self.shutdown.cancel();
        let served = tokio::time::timeout(LIMIT, &mut self.served).await;
        served.expect("stops in time").expect("no panic");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
