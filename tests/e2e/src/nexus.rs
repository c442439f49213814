//! The `nexus` binary as a process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{Api, paths, ports, wait};

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_mins(1);
/// The key of the data API in all tests.
pub const DASHBOARD_KEY: &str = "test-dashboard-key";

/// How a process is to be started.
#[derive(Debug, Clone)]
pub struct NexusBuilder {
    role: String,
    env: Vec<(String, String)>,
}

/// A running `nexus`. It is killed when this is dropped, its data goes with it.
#[derive(Debug)]
pub struct Nexus {
    builder: NexusBuilder,
    dir: TempDir,
    port: u16,
    dashboard: u16,
    admin: u16,
    starts: usize,
    child: Child,
}

impl NexusBuilder {
    /// A role of the command line: `up`, `gateway`, ….
    pub fn new(role: &str, upstream: &str) -> Self {
        let builder = Self::plain(role);
        builder.env("CLAUDE_API_BASE_URL", upstream).env("DASHBOARD_API_KEY", DASHBOARD_KEY)
    }

    /// A role or command whose settings are all the caller's.
    pub fn plain(role: &str) -> Self {
        Self { role: role.to_owned(), env: Vec::new() }
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Runs a command to its end, with a directory of its own.
    pub async fn once(self) -> anyhow::Result<Output> {
        let dir = TempDir::with_prefix("nexus-e2e-")?;
        Ok(command(&self, dir.path(), ports::free()).output().await?)
    }

    /// Starts it with a directory of its own and waits until it is ready.
    pub async fn start(self) -> anyhow::Result<Nexus> {
        let dir = TempDir::with_prefix("nexus-e2e-")?;
        let [port, dashboard, admin] = ports::free();
        let child = spawn(&self, dir.path(), [port, dashboard, admin], 0)?;
        let mut nexus = Nexus { builder: self, dir, port, dashboard, admin, starts: 1, child };
        nexus.ready().await;
        Ok(nexus)
    }
}

impl Nexus {
    /// `nexus up` in front of an upstream.
    pub async fn up(upstream: &str) -> anyhow::Result<Self> {
        NexusBuilder::new("up", upstream).start().await
    }

    /// The gateway's base URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The dashboard's base URL.
    pub fn dashboard(&self) -> String {
        format!("http://127.0.0.1:{}", self.dashboard)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The data API.
    pub fn api(&self) -> Api {
        Api::new(self.dashboard(), DASHBOARD_KEY)
    }

    pub fn role(&self) -> &str {
        &self.builder.role
    }

    /// A command with the settings of this process.
    pub fn beside(&self, arguments: &str) -> NexusBuilder {
        NexusBuilder { role: arguments.to_owned(), ..self.builder.clone() }
    }

    /// What `/metrics` of this process says of one metric, summed over its labels; 0 when it has not
    /// been counted yet.
    pub async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let url = format!("http://127.0.0.1:{}/metrics", self.own_port());
        let text = crate::http_client().get(url).send().await?.text().await?;
        let lines = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// The directory that holds data, credentials and logs.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()?).ok()?)
    }

    /// What it wrote to standard output and error in all its lives.
    pub fn log(&self) -> String {
        let logs = (0..self.starts).map(|n| std::fs::read_to_string(log_path(self.dir(), n)));
        logs.map(Result::unwrap_or_default).collect()
    }

    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        kill_process(self.pid().context("it has ended")?, signal)?;
        Ok(())
    }

    /// Kills it and waits until it is gone.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        Ok(())
    }

    /// Asks it to stop and waits for its end.
    pub async fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        Ok(self.child.wait().await?)
    }

    /// Starts it again on the same data and ports.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        let ports = [self.port, self.dashboard, self.admin];
        self.child = spawn(&self.builder, self.dir.path(), ports, self.starts)?;
        self.starts += 1;
        self.ready().await;
        Ok(())
    }

    /// Where it listens instead of one of the settings' default ports.
    pub fn instead_of(&self, default: u64) -> Option<String> {
        let port = match default {
            3000 => self.port,
            3001 => self.dashboard,
            9464 => self.admin,
            _ => return None,
        };
        Some(format!("http://127.0.0.1:{port}"))
    }

    /// Where `/metrics` and `/health/*` are.
    fn own_port(&self) -> u16 {
        match self.builder.role.as_str() {
            "up" | "gateway" | "demo" => self.port,
            _ => self.admin,
        }
    }

    async fn ready(&mut self) {
        let url = format!("http://127.0.0.1:{}/health/ready", self.own_port());
        let client = crate::http_client();
        let end = tokio::time::Instant::now() + START;
        loop {
            if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("nexus {} ended with {status}:\n{}", self.builder.role, self.log());
            }
            assert!(tokio::time::Instant::now() < end, "not ready:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until so many exchanges have been stored and linked.
    pub async fn drained(&self, count: usize, within: Duration) -> Vec<serde_json::Value> {
        let api = self.api();
        let settled = async || api.find_settled(count).await;
        wait::until(&format!("{count} exchanges"), within, settled).await
    }
}

fn spawn(
    builder: &NexusBuilder,
    dir: &Path,
    ports: [u16; 3],
    start: usize,
) -> anyhow::Result<Child> {
    let log = File::create(log_path(dir, start))?;
    std::fs::create_dir_all(dir.join("credentials"))?;
    let mut command = command(builder, dir, ports);
    command.stdout(log.try_clone()?).stderr(log).spawn().context("nexus starts")
}

fn command(builder: &NexusBuilder, dir: &Path, ports: [u16; 3]) -> Command {
    let mut command = Command::new(paths::binary("nexus"));
    command
        .args(builder.role.split(' '))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", dir)
        .env("PORT", ports[0].to_string())
        .env("DASHBOARD_PORT", ports[1].to_string())
        .env("NEXUS_ADMIN_PORT", ports[2].to_string())
        .env("NEXUS_DATA_DIR", dir.join("data"))
        .env("CREDENTIALS_DIR", dir.join("credentials"))
        .env("LOG_FORMAT", "json")
        .envs(builder.env.iter().map(|(name, value)| (name, value)))
        .current_dir(dir)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

fn log_path(dir: &Path, start: usize) -> PathBuf {
    dir.join(format!("log.{start}"))
}
