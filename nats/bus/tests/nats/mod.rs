//! A nats-server of a test's own.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nexus_bus::{JetStream, NatsConfig};
use tempfile::TempDir;

pub struct NatsServer {
    pub port: u16,
    pub monitor: u16,
    dir: TempDir,
    config: String,
    child: Child,
}

impl NatsServer {
    /// Starts a server with JetStream and monitoring on free ports. `config` is added to its own.
    pub fn start(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let (port, monitor) = (free_port(), free_port());
        let child = spawn(dir.path(), port, monitor, config);
        Self { port, monitor, dir, config: config.to_owned(), child }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// An orderly stop.
    pub fn stop(&mut self) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(told.success(), "it was told");
        self.child.wait().expect("it ends");
    }

    /// Starts it again on the same files and ports.
    pub fn start_again(&mut self) {
        self.child = spawn(self.dir.path(), self.port, self.monitor, &self.config);
    }

    pub fn config(&self) -> NatsConfig {
        NatsConfig {
            max_bytes: 40 << 20,
            retain_bytes: 4 << 20,
            ack_timeout: Duration::from_secs(5),
            ..NatsConfig::new(self.url(), "test")
        }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until the server is there and the streams are.
pub async fn ready(stream: &JetStream) {
    let mut last = None;
    for _ in 0..400 {
        match stream.setup().await {
            Ok(()) => return,
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the server did not come up: {last:?}");
}

fn spawn(dir: &Path, port: u16, monitor: u16, config: &str) -> Child {
    let file = dir.join("nats.conf");
    let text = format!(
        "listen: \"127.0.0.1:{port}\"\nhttp: \"127.0.0.1:{monitor}\"\n\
         jetstream {{ store_dir: \"{}\" }}\n{config}\n",
        dir.join("store").display()
    );
    std::fs::write(&file, text).expect("writes");
    let log = std::fs::File::create(dir.join("nats.log")).expect("creates");
    Command::new(binary())
        .arg("-c")
        .arg(file)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("nats-server starts: run tests/setup, or put it on the path")
}

fn binary() -> PathBuf {
    let installed =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/venv/bin/nats-server");
    if installed.exists() { installed } else { "nats-server".into() }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    listener.local_addr().expect("has one").port()
}
