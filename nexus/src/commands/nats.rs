//! `nexus nats`: the streams and consumers of JetStream.

use nexus_bus::{Connecting, JetStream, NatsConfig};
use serde::Serialize;

use crate::{failure::WrongUsage, output::Output, roles::nats_config, settings::Settings};

#[derive(Serialize)]
struct SetUp {
    streams: &'static str,
}

pub async fn setup(settings: &Settings, output: Output) -> anyhow::Result<()> {
    let config = nats_config(settings, "nexus nats setup")
        .ok_or_else(|| WrongUsage::new("NATS_URL is not set, so there is nothing to set up"))?;
    let config = NatsConfig { connecting: Connecting::AtOnce, ..config };
    JetStream::open(config).await?.setup().await?;
    output.print(&SetUp { streams: "current" }, |_| "streams and consumers are there".into())
}
