//! A nats-server for tests that need no more than JetStream.

use std::{path::Path, process::Stdio, time::Duration};

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
        Self::with_room("64GB").await
    }

    /// With `room` for all streams together.
    pub async fn with_room(room: &str) -> anyhow::Result<Self> {
        let dir = TempDir::with_prefix("nexus-nats-")?;
        let [port] = ports::free();
        let mut command = Command::new(paths::python_tool("nats-server"));
        let file = dir.path().join("nats.conf");
        let text = format!("listen: \"127.0.0.1:{port}\"\n{}", jetstream(dir.path(), room));
        std::fs::write(&file, text)?;
        command.arg("-c").arg(file);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn();
        let child = child.context("nats-server starts")?;
        wait::until("nats-server", START, async || {
            TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        Ok(Self { url: format!("nats://127.0.0.1:{port}"), _dir: dir, _child: child })
    }
}

/// The block of a server's configuration that turns JetStream on. Without a bound of its own a server
/// takes three quarters of what is free on the disk, and Nexus' streams need not fit into that.
pub fn jetstream(dir: &Path, room: &str) -> String {
    format!("jetstream {{ store_dir: \"{}\", max_file_store: {room} }}\n", dir.display())
}
