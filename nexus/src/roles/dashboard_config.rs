//! The dashboard's configuration from the settings.

use std::{sync::Arc, time::Duration};

use nexus_dashboard::DashboardConfig;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::{
    roles::{banner, consumers::prices},
    settings::Settings,
};

pub fn dashboard_config(
    settings: &Settings,
    salt: &SecretString,
) -> anyhow::Result<DashboardConfig> {
    Ok(DashboardConfig {
        prices: Arc::new(prices(settings)?),
        api_key: settings.dashboard_api_key.clone(),
        cache_ttl: Duration::from_secs(settings.dashboard_cache_ttl_s),
        trusted_proxies: settings.trusted_proxies.clone().unwrap_or_default(),
        gateway_url: banner::url(settings.host, settings.port),
        gateway_port: settings.host.is_unspecified().then_some(settings.port),
        spark: settings
            .spark_key
            .clone()
            .map(|key| nexus_dashboard::SparkConfig::new(settings.spark_url.as_str(), key)),
        analysis_creations: settings.ai_rate_creation.0,
        analysis_retrievals: settings.ai_rate_retrieval.0,
        ..DashboardConfig::new(session_secret(settings, salt))
    })
}

/// Signs sessions: the same in every dashboard of an installation and after every restart, and
/// another one when the dashboard's key changes, so that a new key ends all sessions.
fn session_secret(settings: &Settings, salt: &SecretString) -> secrecy::SecretSlice<u8> {
    let key = settings.dashboard_api_key.as_ref().map_or("", |key| key.expose_secret());
    let mut digest = Sha256::new();
    for part in ["nexus dashboard session", salt.expose_secret(), key] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().to_vec().into()
}
