//! The one place that chooses the transport.

use std::sync::Arc;

use nexus_contract::Clock;

use crate::{
    embedded::{EmbeddedConfig, EmbeddedLog},
    jetstream::{JetStream, NatsConfig},
    live::{LiveBus, LocalLiveBus},
    stream::{EventStream, StreamError},
};

/// Live events kept for the slowest reader.
const LIVE: usize = 4_096;

/// Which transport, and its settings.
#[derive(Debug, Clone)]
pub enum BusConfig {
    /// Within this process.
    Embedded(EmbeddedConfig),
    /// Between processes.
    Nats(NatsConfig),
}

/// What the roles talk over.
#[derive(Clone)]
pub struct Bus {
    pub stream: Arc<dyn EventStream>,
    pub live: Arc<dyn LiveBus>,
}

/// Opens the transport. NATS need not be there yet.
pub async fn open(config: BusConfig, clock: Arc<dyn Clock>) -> Result<Bus, StreamError> {
    Ok(match config {
        BusConfig::Embedded(config) => Bus {
            stream: Arc::new(EmbeddedLog::open(config, clock).await?),
            live: Arc::new(LocalLiveBus::new(LIVE)),
        },
        BusConfig::Nats(config) => {
            let stream = JetStream::open(config).await?;
            let live = Arc::new(stream.live_bus(LIVE));
            Bus { stream: Arc::new(stream), live }
        }
    })
}
