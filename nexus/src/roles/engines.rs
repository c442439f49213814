//! The engines under the roles, chosen by URL: the one place that knows which run.

use std::{sync::Arc, time::Duration};

use nexus_bus::{
    Bus, BusConfig, Connecting, EmbeddedConfig, EventStream, LiveBus, LocalLiveBus, NatsConfig,
};
use nexus_contract::{Clock, SystemClock};
use nexus_store::{Store, StoreConfig};
use secrecy::ExposeSecret;

use crate::{
    roles::{Role, consumers, data_dir, no_stream::NoStream},
    settings::Settings,
};

/// How long a stop waits for statements that still run.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Store, stream and live subjects of a process.
#[derive(Clone)]
pub struct Engines {
    /// `None` in a process that is a gateway only.
    pub store: Option<Arc<dyn Store>>,
    pub stream: Arc<dyn EventStream>,
    pub live: Arc<dyn LiveBus>,
    pub clock: Arc<dyn Clock>,
}

/// Opens the store that the settings name, bringing its schema up to date when `migrate`.
pub async fn open_store(settings: &Settings, migrate: bool) -> anyhow::Result<Arc<dyn Store>> {
    let slow_statement = Duration::from_millis(settings.slow_query_threshold_ms);
    let config =
        StoreConfig { migrate, slow_statement, ..StoreConfig::new(database_url(settings)?) };
    Ok(nexus_store::open(&config).await?)
}

fn database_url(settings: &Settings) -> anyhow::Result<String> {
    if let Some(url) = &settings.database_url {
        return Ok(url.expose_secret().to_owned());
    }
    data_dir::make(&settings.data_dir)?;
    Ok(format!("sqlite://{}", settings.data_dir.join("nexus.sqlite").display()))
}

/// Opens the event stream and the live subjects that go with it.
pub async fn open_bus(
    settings: &Settings,
    name: &str,
    connecting: Connecting,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Bus> {
    let config = if let Some(config) = nats_config(settings, name) {
        BusConfig::Nats(NatsConfig { connecting, ..config })
    } else {
        data_dir::make(&settings.data_dir)?;
        BusConfig::Embedded(EmbeddedConfig {
            max_bytes: settings.stream_max_bytes.0,
            ..EmbeddedConfig::new(settings.data_dir.join("stream"))
        })
    };
    Ok(nexus_bus::open(config, clock).await?)
}

/// How NATS is reached; `None` without `NATS_URL`.
pub fn nats_config(settings: &Settings, name: &str) -> Option<NatsConfig> {
    let url = settings.nats_url.as_ref()?.expose_secret();
    Some(NatsConfig {
        credentials: settings.nats_creds.clone(),
        ca: settings.nats_ca.clone(),
        replicas: settings.nats_replicas,
        max_bytes: settings.stream_max_bytes.0,
        consumers: consumers::specs(),
        ..NatsConfig::new(url, name)
    })
}

impl Engines {
    /// What `roles` need. `nexus up` owns its engines and brings the schema up to date.
    pub async fn open(
        settings: &Settings,
        roles: &[Role],
        instance: &str,
        connecting: Connecting,
    ) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = match roles {
            [Role::Gateway] => None,
            [_] => Some(open_store(settings, false).await?),
            _ => Some(open_store(settings, true).await?),
        };
        let Bus { stream, live } = open_bus(settings, instance, connecting, clock.clone()).await?;
        Ok(Self { store, stream, live, clock })
    }

    /// Of a command that announces what it changes: through NATS where it is set. The embedded stream
    /// belongs to the process that runs on the data directory.
    pub async fn beside(
        settings: &Settings,
        name: &str,
        store: Arc<dyn Store>,
    ) -> anyhow::Result<Self> {
        let engines = Self::alone(store);
        if settings.nats_url.is_none() {
            return Ok(engines);
        }
        let clock = engines.clock.clone();
        let Bus { stream, live } = open_bus(settings, name, Connecting::AtOnce, clock).await?;
        Ok(Self { stream, live, ..engines })
    }

    /// Of a command that needs the store alone.
    pub fn alone(store: Arc<dyn Store>) -> Self {
        Self {
            store: Some(store),
            stream: Arc::new(NoStream),
            live: Arc::new(LocalLiveBus::new(16)),
            clock: Arc::new(SystemClock),
        }
    }

    /// Gives the connections back. A statement that runs for longer than a stop may take ends with
    /// the process; its transaction is then undone and its events are delivered again.
    pub async fn close(&self) {
        let Some(store) = &self.store else { return };
        if tokio::time::timeout(CLOSE_TIMEOUT, store.close()).await.is_err() {
            tracing::warn!("a statement is still running: its connection is not given back");
        }
    }
}
