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
        mounted: Vec::new(),
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
        timeout: Duration::from_millis(settings.upstream_timeout_ms.get()),
        connect_timeout: Duration::from_millis(settings.upstream_connect_timeout_ms.get()),
        idle_timeout: Duration::from_millis(settings.upstream_idle_timeout_ms.get()),
        extra_roots: settings.upstream_ca.clone(),
        https_proxy: settings.https_proxy.as_ref().map(ToString::to_string),
        no_proxy: settings.no_proxy.clone().unwrap_or_default(),
        retry_status: settings.retry_status.clone().unwrap_or_default(),
        ..UpstreamConfig::default()
    }
}

fn clients(settings: &Settings) -> ClientConfig {
    ClientConfig {
        timeout: Duration::from_millis(settings.proxy_server_timeout_ms.get()),
        drain_timeout: settings.drain_timeout.0,
        max_request_size: settings.max_request_size.0,
        max_connections: settings.max_connections.get(),
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
        oauth_token_url: settings.oauth_token_url.to_string(),
        oauth_authorize_url: settings.oauth_authorize_url.to_string(),
        ..AccessConfig::default()
    }
}

pub fn slack(settings: &Settings) -> Option<SlackConfig> {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::settings::{Inputs, resolve};

    fn with(name: &str, value: &str) -> GatewayConfig {
        let environment = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let resolved = resolve(&Inputs { environment, ..Inputs::default() }).expect("valid");
        let settings = Settings::from_resolved(&resolved).expect("valid");
        gateway_config(&settings, "here", "salt".to_owned().into())
    }

    /// A setting, a value, and where the gateway must find it.
    type Case = (&'static str, &'static str, fn(&GatewayConfig) -> String, &'static str);

    const CASES: &[Case] = &[
        ("PROXY_SERVER_TIMEOUT", "7", |c| ms(c.clients.timeout), "7"),
        ("NEXUS_DRAIN_TIMEOUT", "7ms", |c| ms(c.clients.drain_timeout), "7"),
        ("NEXUS_MAX_CONNECTIONS", "7", |c| c.clients.max_connections.to_string(), "7"),
        ("NEXUS_MAX_IN_FLIGHT_BYTES", "7", |c| c.clients.max_in_flight_bytes.to_string(), "7"),
        ("MAX_REQUEST_SIZE", "7KiB", |c| c.clients.max_request_size.to_string(), "7168"),
        ("TRUSTED_PROXIES", "10.0.0.0/8", |c| debug(&c.clients.trusted_proxies), "[10.0.0.0/8]"),
        ("CLAUDE_API_BASE_URL", "http://h/p", |c| c.upstream.base_url.clone(), "http://h/p"),
        ("CLAUDE_API_TIMEOUT", "7", |c| ms(c.upstream.timeout), "7"),
        ("CLAUDE_API_CONNECT_TIMEOUT", "7", |c| ms(c.upstream.connect_timeout), "7"),
        ("CLAUDE_API_IDLE_TIMEOUT", "7", |c| ms(c.upstream.idle_timeout), "7"),
        ("NEXUS_UPSTREAM_CA", "/ca", |c| debug(&c.upstream.extra_roots), "Some(\"/ca\")"),
        ("HTTPS_PROXY", "http://p:1", |c| debug(&c.upstream.https_proxy), "Some(\"http://p:1/\")"),
        ("HTTPS_PROXY", "p:1", |c| debug(&c.upstream.https_proxy), "Some(\"http://p:1/\")"),
        ("NO_PROXY", "a,b", |c| c.upstream.no_proxy.join(" "), "a b"),
        ("NEXUS_RETRY_STATUS", "529,500", |c| debug(&c.upstream.retry_status), "[529, 500]"),
        ("NEXUS_ON_CLIENT_ABORT", "finish", |c| debug(&c.clients.on_abort), "Finish"),
        ("CREDENTIALS_DIR", "/c", |c| debug(&c.access.credentials_dir), "\"/c\""),
        ("ENABLE_CLIENT_AUTH", "false", |c| c.access.client_auth.to_string(), "false"),
        ("ALLOW_PASSTHROUGH", "false", |c| c.access.allow_passthrough.to_string(), "false"),
        ("HOST", "0.0.0.0", |c| c.access.allow_passthrough.to_string(), "false"),
        ("DASHBOARD_API_KEY", "k", |c| c.access.dashboard_key.is_some().to_string(), "true"),
        ("NEXUS_OAUTH_TOKEN_URL", "http://t/x", |c| c.access.oauth_token_url.clone(), "http://t/x"),
        (
            "NEXUS_OAUTH_AUTHORIZE_URL",
            "http://a/",
            |c| c.access.oauth_authorize_url.clone(),
            "http://a/",
        ),
        ("NEXUS_RATE_LIMIT_KEY", "7/s", |c| rates(c.limits.per_key), "7 in 1000"),
        ("NEXUS_RATE_LIMIT_DOMAIN", "7/2m", |c| rates(c.limits.per_domain), "7 in 120000"),
        ("STORAGE_ENABLED", "false", |c| c.capture.enabled.to_string(), "false"),
        ("NEXUS_CAPTURE", "required", |c| c.capture.required.to_string(), "true"),
        ("DEBUG", "true", |c| c.capture.debug.to_string(), "true"),
        (
            "COLLECT_TEST_SAMPLES",
            "true",
            |c| debug(&c.capture.samples_dir),
            "Some(\"test-samples\")",
        ),
        (
            "TELEMETRY_ENDPOINT",
            "http://t/",
            |c| debug(&c.notify.telemetry_url),
            "Some(\"http://t/\")",
        ),
        ("SLACK_WEBHOOK_URL", "http://s/", |c| c.notify.slack.is_some().to_string(), "true"),
    ];

    fn ms(duration: Duration) -> String {
        duration.as_millis().to_string()
    }

    fn debug(value: &impl std::fmt::Debug) -> String {
        format!("{value:?}")
    }

    fn rates(limit: Option<RateLimit>) -> String {
        limit.map_or_else(String::new, |rate| format!("{} in {}", rate.requests, ms(rate.window)))
    }

    #[test]
    fn every_setting_reaches_the_gateway() {
        for (name, value, find, expected) in CASES {
            assert_eq!(find(&with(name, value)), *expected, "{name}={value}");
            assert_ne!(find(&with("PORT", "1")), *expected, "{name} has an effect");
        }
    }
}
