//! A data API for one command: the same code that serves browsers and scripts, on a port of loopback
//! that nobody else knows, behind a key that nobody else has. Commands that print or take what the
//! API prints or takes are clients of it, so they can't differ from it.

use std::net::TcpListener;

use metrics_exporter_prometheus::PrometheusBuilder;
use nexus_bus::Connecting;
use secrecy::SecretString;

use crate::{
    roles::{
        Role,
        engines::{Engines, open_store},
        listeners::Listeners,
        process::Process,
        tasks,
    },
    settings::Settings,
};

/// What the command needs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The store alone; works beside a running instance.
    Read,
    /// Store, event stream, linker and storage; owns the data directory while it runs.
    Work,
}

/// The running API.
pub struct PrivateApi {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    pub key: String,
    process: Process,
    engines: Engines,
}

impl PrivateApi {
    pub async fn start(mut settings: Settings, access: Access) -> anyhow::Result<Self> {
        let key = hex::encode(rand::random::<[u8; 24]>());
        settings.dashboard_api_key = Some(SecretString::from(key.clone()));
        // A command has no use for prompts, and brings none from GitHub.
        settings.mcp_enabled = false;
        let roles: &[Role] = match access {
            Access::Read => &[Role::Dashboard],
            Access::Work => &[Role::Linker, Role::Storage, Role::Dashboard],
        };
        let engines = match access {
            Access::Read => Engines::alone(open_store(&settings, false).await?),
            Access::Work => {
                Engines::open(&settings, roles, "nexus-command", Connecting::AtOnce).await?
            }
        };
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let listeners = Listeners { dashboard: Some(listener), ..Listeners::default() };
        // Not installed: nobody scrapes a command.
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let mut process = Process::new(settings, "nexus-command".into(), engines.clone(), metrics);
        process.start(roles, listeners)?;
        Ok(Self { url, key, process, engines })
    }

    /// Stops what was started and closes the store.
    pub async fn stop(self) -> anyhow::Result<()> {
        let (front, back) = self.process.into_groups();
        let stopped = tokio_util::sync::CancellationToken::new();
        stopped.cancel();
        let ended = tasks::run(front, back, stopped).await;
        self.engines.close().await;
        ended
    }
}
