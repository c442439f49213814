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
    // The embedded stream is this process's alone, so the gateway that feeds it is in here. On NATS it
    // may be anywhere, behind an address that only the installation knows.
    let is_gateway_here = settings.nats_url.is_none();
    let gateway_url =
        if is_gateway_here { banner::url(settings.host, settings.port) } else { String::new() };
    let reached_by_name = is_gateway_here && settings.host.is_unspecified();
    Ok(DashboardConfig {
        prices: Arc::new(prices(settings)?),
        api_key: settings.dashboard_api_key.clone(),
        cache_ttl: Duration::from_secs(settings.dashboard_cache_ttl_s),
        trusted_proxies: settings.trusted_proxies.clone().unwrap_or_default(),
        gateway_url,
        gateway_port: reached_by_name.then_some(settings.port),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Inputs, resolve};

    /// The gateway's address and the port that goes with the dashboard's name.
    fn gateway(environment: &[(&str, &str)]) -> (String, Option<u16>) {
        let environment =
            environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let resolved = resolve(&Inputs { environment, ..Inputs::default() }).expect("valid");
        let settings = Settings::from_resolved(&resolved).expect("valid");
        let config = dashboard_config(&settings, &SecretString::default()).expect("a config");
        (config.gateway_url, config.gateway_port)
    }

    #[test]
    fn a_gateway_elsewhere_has_no_address_here() {
        let here = [("HOST", "0.0.0.0"), ("PORT", "4000")];
        assert_eq!(gateway(&here), ("http://localhost:4000".into(), Some(4000)));
        assert_eq!(gateway(&here[1..]), ("http://localhost:4000".into(), None));
        let elsewhere = [here[0], here[1], ("NATS_URL", "nats://nats-1:4222")];
        assert_eq!(gateway(&elsewhere), (String::new(), None));
    }
}
