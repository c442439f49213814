//! The forms that are compared: nothing between, nginx, and Nexus in each way to run it.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::ports;

/// How long a process may take to stop when it is asked to.
const PATIENCE: Duration = Duration::from_secs(20);

/// What stands between load and upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Direct,
    Nginx,
    /// actix-web and awc without what makes a gateway.
    Bare,
    /// `STORAGE_ENABLED=false`.
    Relay,
    /// The gateway alone, while NATS is away: all it captures stays in its journal.
    Journal,
    /// `nexus up` on embedded engines, capture on.
    Up,
    /// Gateway, NATS, linker, storage, PostgreSQL.
    Scaled,
}

impl Form {
    pub const ALL: [Self; 7] =
        [Self::Direct, Self::Nginx, Self::Bare, Self::Relay, Self::Journal, Self::Up, Self::Scaled];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Bare => "bare actix-web and awc",
            Self::Relay => "nexus, relay only",
            Self::Journal => "nexus gateway, journal alone",
            Self::Up => "nexus up",
            Self::Scaled => "nexus scaled out",
        }
    }

    /// Whether exchanges are stored, so that a backlog of them can be drained.
    pub const fn stores(self) -> bool {
        matches!(self, Self::Up | Self::Scaled)
    }
}

/// A form that runs.
pub struct Running {
    pub port: u16,
    /// The dashboard's port, where the form has one.
    pub api: Option<u16>,
    /// The processes that clients wait for, by role; their trees are metered.
    pub children: Vec<(&'static str, Child)>,
    dir: tempfile::TempDir,
}

impl Running {
    pub fn new(
        port: u16,
        api: Option<u16>,
        children: Vec<(&'static str, Child)>,
        dir: tempfile::TempDir,
    ) -> Self {
        Self { port, api, children, dir }
    }

    pub fn pids(&self) -> Vec<u32> {
        self.children.iter().map(|(_, child)| child.id()).collect()
    }

    pub fn pid_of(&self, role: &str) -> Option<u32> {
        self.children.iter().find(|(name, _)| *name == role).map(|(_, child)| child.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for (name, child) in self.children.iter_mut().rev() {
            if let Err(error) = stop(child) {
                eprintln!("{name} can't be stopped ({error}), see {}", self.dir.path().display());
            }
        }
    }
}

/// Asks first: nginx's and PostgreSQL's masters take their workers with them only then. TERM is the
/// signal that all heed; a shell lets its background jobs ignore INT and QUIT.
fn stop(child: &mut Child) -> anyhow::Result<()> {
    let pid = Pid::from_raw(i32::try_from(child.id())?).context("a process has an id")?;
    kill_process(pid, Signal::TERM)?;
    let end = Instant::now() + PATIENCE;
    while child.try_wait()?.is_none() {
        if Instant::now() > end {
            child.kill()?;
            child.wait()?;
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Starts `form` in front of the upstream.
pub async fn start(form: Form, nexus: &Path, upstream: u16) -> anyhow::Result<Running> {
    let dir = tempfile::tempdir()?;
    match form {
        Form::Direct => Ok(Running::new(upstream, None, Vec::new(), dir)),
        Form::Nginx => nginx(dir, upstream).await,
        Form::Bare => bare(dir, upstream).await,
        Form::Relay => up(dir, nexus, upstream, &[("STORAGE_ENABLED", "false")]).await,
        Form::Journal => journal(dir, nexus, upstream).await,
        Form::Up => up(dir, nexus, upstream, &[]).await,
        Form::Scaled => crate::scaled::start(dir, nexus, upstream).await,
    }
}

async fn nginx(dir: tempfile::TempDir, upstream: u16) -> anyhow::Result<Running> {
    let port = ports::free()?;
    let path = dir.path().display();
    let configuration = format!(
        "daemon off; worker_processes 2; pid {path}/pid; error_log {path}/error.log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; client_body_temp_path {path}/body; proxy_temp_path {path}/proxy;\n\
         fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;\n\
         client_max_body_size 40m; client_body_buffer_size 512k; keepalive_requests 10000000;\n\
         upstream api {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 10000000; }}\n\
         server {{ listen 127.0.0.1:{port}; tcp_nodelay on;\n\
         location / {{ proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
         proxy_buffering off; proxy_request_buffering off; }} }} }}"
    );
    std::fs::write(dir.path().join("nginx.conf"), configuration)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(dir.path()).arg("-c").arg(dir.path().join("nginx.conf"));
    let mut child = spawn(&mut command, dir.path(), "nginx").context("nginx (is it installed?)")?;
    ports::listening(port, &mut child).await?;
    Ok(Running::new(port, None, vec![("nginx", child)], dir))
}

async fn bare(dir: tempfile::TempDir, upstream: u16) -> anyhow::Result<Running> {
    let port = ports::free()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bare", &port.to_string(), &upstream.to_string()]);
    let mut child = spawn(&mut command, dir.path(), "bare")?;
    ports::listening(port, &mut child).await?;
    Ok(Running::new(port, None, vec![("gateway", child)], dir))
}

async fn up(
    dir: tempfile::TempDir,
    nexus: &Path,
    upstream: u16,
    settings: &[(&str, &str)],
) -> anyhow::Result<Running> {
    let (port, api) = (ports::free()?, ports::free()?);
    let mut command = role(nexus, "up", dir.path(), upstream);
    command.env("PORT", port.to_string()).env("DASHBOARD_PORT", api.to_string());
    command.envs(settings.iter().copied());
    let mut child = spawn(&mut command, dir.path(), "up")?;
    ports::listening(port, &mut child).await?;
    Ok(Running::new(port, Some(api), vec![("gateway", child)], dir))
}

async fn journal(dir: tempfile::TempDir, nexus: &Path, upstream: u16) -> anyhow::Result<Running> {
    let port = ports::free()?;
    let mut command = role(nexus, "gateway", dir.path(), upstream);
    command
        .env("PORT", port.to_string())
        .env("NEXUS_ADMIN_PORT", ports::free()?.to_string())
        .env("NATS_URL", format!("nats://127.0.0.1:{}", ports::free()?))
        .env("ALLOW_PASSTHROUGH", "true")
        .env("API_KEY_SALT", "bench")
        .env("NEXUS_JOURNAL_MAX_BYTES", "32GiB");
    let mut child = spawn(&mut command, dir.path(), "gateway")?;
    ports::listening(port, &mut child).await?;
    Ok(Running::new(port, None, vec![("gateway", child)], dir))
}

/// The command that runs one role with the bench's settings.
pub fn role(nexus: &Path, role: &str, dir: &Path, upstream: u16) -> Command {
    let mut command = Command::new(nexus);
    command
        .arg(role)
        .current_dir(dir)
        .env("CLAUDE_API_BASE_URL", format!("http://127.0.0.1:{upstream}"))
        .env("NEXUS_DATA_DIR", dir.join("data"))
        .env("DASHBOARD_API_KEY", "bench")
        .env("LOG_LEVEL", "warn");
    command
}

/// Starts a process whose output goes into a file of the directory.
pub fn spawn(command: &mut Command, dir: &Path, name: &str) -> anyhow::Result<Child> {
    let log = File::create(dir.join(format!("{name}.log")))?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("{name} does not start"))
}

/// The `nexus` binary beside this one.
pub fn nexus_binary() -> anyhow::Result<PathBuf> {
    let binary = std::env::current_exe()?.with_file_name("nexus");
    if !binary.exists() {
        bail!("{} is missing: cargo build --release -p nexus", binary.display());
    }
    Ok(binary)
}
