//! `nexus nats`: the streams and consumers of JetStream.

use std::time::Duration;

use nexus_bus::{JetStream, StreamError};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::{failure::WrongUsage, output::Output, roles::nats_config, settings::Settings};

/// The connection comes up in the background; so long it is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Serialize)]
struct SetUp {
    streams: &'static str,
}

pub async fn setup(settings: &Settings, output: Output) -> anyhow::Result<()> {
    let config = nats_config(settings, "nexus nats setup")
        .ok_or_else(|| WrongUsage::new("NATS_URL is not set, so there is nothing to set up"))?;
    reach(&JetStream::open(config).await?).await?;
    output.print(&SetUp { streams: "current" }, |_| "streams and consumers are there".into())
}

/// Waits for the connection, then makes what is missing of the streams and consumers.
pub async fn reach(stream: &JetStream) -> Result<(), StreamError> {
    let end = Instant::now() + PATIENCE;
    loop {
        match stream.setup().await {
            Err(StreamError::Unavailable(_)) if Instant::now() < end => sleep(PAUSE).await,
            done => return done,
        }
    }
}
