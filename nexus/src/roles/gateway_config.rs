//! The gateway's configuration from the settings.

use std::time::Duration;

use nexus_gateway::{
    AccessConfig, CaptureConfig, ClientConfig, GatewayConfig, LimitConfig, NotifyConfig,
    OnClientAbort, RateLimit, SlackConfig, UpstreamConfig,
};
use secrecy::{ExposeSecret, SecretString};

use crate::settings::{self, Rate, Settings};

pub fn gateway_config(settings: &Settings, instance: &str, salt: SecretString) -> GatewayConfig {
    GatewayConfig {
        instance: instance.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        upstream: upstream(settings),
        clients: clients(settings),
        access: access_config(settings, salt),
        capture: CaptureConfig {
            enabled: settings.storage_enabled,
            required: settings.capture == settings::Capture::Required,
            samples_dir: settings.collect_test_samples.then(|| settings.test_samples_dir.clone()),
            debug: settings.debug,
        },
        limits: LimitConfig {
            per_key: settings.rate_limit_key.map(rate),
            per_domain: settings.rate_limit_domain.map(rate),
        },
        notify: NotifyConfig {
            slack: slack(settings),
            telemetry_url: settings.telemetry_endpoint.as_ref().map(ToString::to_string),
        },
    }
}

fn upstream(settings: &Settings) -> UpstreamConfig {
    UpstreamConfig {
        base_url: settings.upstream.to_string(),
        timeout: Duration::from_millis(settings.upstream_timeout_ms),
        connect_timeout: Duration::from_millis(settings.upstream_connect_timeout_ms),
        idle_timeout: Duration::from_millis(settings.upstream_idle_timeout_ms),
        extra_roots: settings.upstream_ca.clone(),
        https_proxy: settings.https_proxy.as_ref().map(ToString::to_string),
        no_proxy: settings.no_proxy.clone().unwrap_or_default(),
        retry_status: settings.retry_status.clone().unwrap_or_default(),
        ..UpstreamConfig::default()
    }
}

fn clients(settings: &Settings) -> ClientConfig {
    ClientConfig {
        timeout: Duration::from_millis(settings.proxy_server_timeout_ms),
        drain_timeout: settings.drain_timeout.0,
        max_request_size: settings.max_request_size.0,
        max_connections: settings.max_connections,
        max_in_flight_bytes: settings.max_in_flight.0,
        on_abort: match settings.on_client_abort {
            settings::OnClientAbort::Cancel => OnClientAbort::Cancel,
            settings::OnClientAbort::Finish => OnClientAbort::Finish,
        },
        trusted_proxies: settings.trusted_proxies.clone().unwrap_or_default(),
        ..ClientConfig::default()
    }
}

pub fn access_config(settings: &Settings, salt: SecretString) -> AccessConfig {
    AccessConfig {
        credentials_dir: settings.credentials_dir.clone(),
        client_auth: settings.client_auth,
        allow_passthrough: settings
            .allow_passthrough
            .unwrap_or_else(|| settings.host.is_loopback()),
        api_key_salt: salt,
        dashboard_key: settings.dashboard_api_key.clone(),
        ..AccessConfig::default()
    }
}

fn slack(settings: &Settings) -> Option<SlackConfig> {
    settings.slack_webhook.as_ref().map(|url| SlackConfig {
        webhook_url: url.expose_secret().to_owned().into(),
        channel: settings.slack_channel.clone(),
        username: settings.slack_username.clone(),
        icon_emoji: settings.slack_icon_emoji.clone(),
    })
}

fn rate(rate: Rate) -> RateLimit {
    RateLimit { requests: rate.count.get(), window: rate.window }
}
