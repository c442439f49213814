//! A nats-server without any configuration, for tests that need no more than JetStream.

use std::{process::Stdio, time::Duration};

use anyhow::Context;
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use crate::{paths, ports, wait};

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_mins(1);

/// The server, with a stream's files of its own. It is killed when this is dropped.
pub struct Nats {
    pub url: String,
    _dir: TempDir,
    _child: Child,
}

impl Nats {
    pub async fn start() -> anyhow::Result<Self> {
        let dir = TempDir::with_prefix("nexus-nats-")?;
        let [port] = ports::free();
        let mut command = Command::new(paths::python_tool("nats-server"));
        command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"]).arg(dir.path());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn();
        let child = child.context("nats-server starts")?;
        wait::until("nats-server", START, async || {
            TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        Ok(Self { url: format!("nats://127.0.0.1:{port}"), _dir: dir, _child: child })
    }
}
