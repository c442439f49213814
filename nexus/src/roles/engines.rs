//! The engines under the roles, chosen by URL: the one place that knows which run.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use nexus_bus::{EmbeddedConfig, EmbeddedLog, EventStream, LiveBus, LocalLiveBus};
use nexus_contract::{Clock, SystemClock};
use nexus_store::{Store, StoreConfig};
use secrecy::ExposeSecret;

use crate::{roles::Role, settings::Settings};

/// Live events kept for the slowest reader of this process.
const LIVE_CAPACITY: usize = 4_096;

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
    let config = StoreConfig { migrate, ..StoreConfig::new(database_url(settings)?) };
    Ok(nexus_store::open(&config).await?)
}

fn database_url(settings: &Settings) -> anyhow::Result<String> {
    if let Some(url) = &settings.database_url {
        return Ok(url.expose_secret().to_owned());
    }
    make(&settings.data_dir)?;
    Ok(format!("sqlite://{}", settings.data_dir.join("nexus.sqlite").display()))
}

/// Opens the event stream and the live subjects that go with it.
pub async fn open_stream(
    settings: &Settings,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<(Arc<dyn EventStream>, Arc<dyn LiveBus>)> {
    let config = EmbeddedConfig {
        max_bytes: settings.stream_max_bytes.0,
        ..EmbeddedConfig::new(settings.data_dir.join("stream"))
    };
    let log = EmbeddedLog::open(config, clock).await?;
    Ok((Arc::new(log), Arc::new(LocalLiveBus::new(LIVE_CAPACITY))))
}

impl Engines {
    /// What `roles` need. `nexus up` owns its engines and brings the schema up to date.
    pub async fn open(settings: &Settings, roles: &[Role]) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = match roles {
            [Role::Gateway] => None,
            [_] => Some(open_store(settings, false).await?),
            _ => Some(open_store(settings, true).await?),
        };
        let (stream, live) = open_stream(settings, clock.clone()).await?;
        Ok(Self { store, stream, live, clock })
    }

    /// Gives the connections back.
    pub async fn close(&self) {
        if let Some(store) = &self.store {
            store.close().await;
        }
    }
}

fn make(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| {
        format!("{} cannot be made; set NEXUS_DATA_DIR to a place that can", dir.display())
    })
}
