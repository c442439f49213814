//! What the gateway needs to know. Plain values: the binary fills them from its settings.

use std::{path::PathBuf, time::Duration};

use ipnet::IpNet;
use secrecy::SecretString;

/// Every setting of the gateway, already parsed.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// Name of this instance in events and metrics.
    pub instance: String,
    /// Version shown at `/`.
    pub version: String,
    /// Shown there besides the gateway's own endpoints: what the process mounts on the same port.
    pub mounted: Vec<String>,
    pub upstream: UpstreamConfig,
    pub clients: ClientConfig,
    pub access: AccessConfig,
    pub capture: CaptureConfig,
    pub limits: LimitConfig,
    pub notify: NotifyConfig,
}

/// The way to the API.
#[derive(Debug, Clone)]
pub struct UpstreamConfig {
    /// `CLAUDE_API_BASE_URL`: `http` or `https`, with or without a path in front of `/v1`.
    pub base_url: String,
    /// `CLAUDE_API_TIMEOUT`: from the request's arrival to the answer's last byte.
    pub timeout: Duration,
    /// `CLAUDE_API_CONNECT_TIMEOUT`: name, TCP, proxy and TLS together.
    pub connect_timeout: Duration,
    /// `CLAUDE_API_IDLE_TIMEOUT`: no byte in either direction.
    pub idle_timeout: Duration,
    /// PEM file with roots that are trusted besides the system's.
    pub extra_roots: Option<PathBuf>,
    /// `HTTPS_PROXY`: used for an `https` upstream by CONNECT.
    pub https_proxy: Option<String>,
    /// `NO_PROXY`: hosts and domain suffixes that are reached without the proxy.
    pub no_proxy: Vec<String>,
    /// Whether HTTP/2 is offered by ALPN.
    pub http2: bool,
    /// `NEXUS_RETRY_STATUS`: statuses that the gateway tries again by itself. 429 is never among
    /// those that are tried, whatever stands here.
    pub retry_status: Vec<u16>,
    /// Further tries after a connection failure, or a status of `retry_status`.
    pub max_retries: u32,
    /// Unused connections that a worker keeps.
    pub max_idle_connections: usize,
    /// After which an unused connection is not used again.
    pub idle_connection_timeout: Duration,
}

/// The clients' side.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// `PROXY_SERVER_TIMEOUT`: one request and its answer, seen from the client's connection.
    pub timeout: Duration,
    /// Time for a request's head.
    pub head_timeout: Duration,
    /// Time without a byte of a request's body, or with an answer that the client doesn't read.
    pub stall_timeout: Duration,
    /// Time in which an unused connection stays open.
    pub keep_alive: Duration,
    /// `NEXUS_DRAIN_TIMEOUT`: time for answers under way after the stop was asked for.
    pub drain_timeout: Duration,
    /// `MAX_REQUEST_SIZE` in bytes.
    pub max_request_size: u64,
    /// Connections of all workers together; further ones wait in the kernel.
    pub max_connections: usize,
    /// Bytes of bodies that all requests together may hold in memory.
    pub max_in_flight_bytes: u64,
    /// `NEXUS_ON_CLIENT_ABORT`.
    pub on_abort: OnClientAbort,
    /// `TRUSTED_PROXIES`: peers whose `X-Forwarded-Proto` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Server threads; `None` is one per CPU.
    pub workers: Option<usize>,
}

/// What becomes of the upstream call when its client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnClientAbort {
    /// It is cancelled.
    #[default]
    Cancel,
    /// It is read to its end, for the record.
    Finish,
}

/// Who may use which credential.
#[derive(Debug, Clone)]
pub struct AccessConfig {
    /// `CREDENTIALS_DIR`.
    pub credentials_dir: PathBuf,
    /// `ENABLE_CLIENT_AUTH`.
    pub client_auth: bool,
    /// `ALLOW_PASSTHROUGH`, already resolved against the host.
    pub allow_passthrough: bool,
    /// `API_KEY_SALT`: the key of the fingerprints' HMAC.
    pub api_key_salt: SecretString,
    /// `DASHBOARD_API_KEY`: protects `/token-stats`.
    pub dashboard_key: Option<SecretString>,
    /// Where OAuth tokens are refreshed.
    pub oauth_token_url: String,
    /// Where a login begins.
    pub oauth_authorize_url: String,
    /// The public client id of the OAuth flow.
    pub oauth_client_id: String,
    /// How long a request waits for an expired credential to be renewed.
    pub renewal_timeout: Duration,
}

/// What is captured.
#[derive(Debug, Clone)]
pub struct CaptureConfig {
    /// `STORAGE_ENABLED`: false relays only.
    pub enabled: bool,
    /// `NEXUS_CAPTURE=required`: refuse an exchange that can't be captured.
    pub required: bool,
    /// `TEST_SAMPLES_DIR`, when `COLLECT_TEST_SAMPLES` is on.
    pub samples_dir: Option<PathBuf>,
    /// `DEBUG`: log requests and answers, masked and capped.
    pub debug: bool,
}

impl CaptureConfig {
    /// Whether heads and bodies are shown beside the record: in the log, or as samples.
    pub fn shows_exchanges(&self) -> bool {
        self.debug || self.samples_dir.is_some()
    }
}

/// Requests per window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    pub requests: u32,
    pub window: Duration,
}

/// `NEXUS_RATE_LIMIT_KEY` and `NEXUS_RATE_LIMIT_DOMAIN`.
#[derive(Debug, Clone, Copy, Default)]
pub struct LimitConfig {
    pub per_key: Option<RateLimit>,
    pub per_domain: Option<RateLimit>,
}

/// Who is told of exchanges.
#[derive(Debug, Clone, Default)]
pub struct NotifyConfig {
    /// The global Slack webhook; a domain's own wins.
    pub slack: Option<SlackConfig>,
    /// `TELEMETRY_ENDPOINT`.
    pub telemetry_url: Option<String>,
}

/// One Slack webhook.
#[derive(Debug, Clone)]
pub struct SlackConfig {
    pub webhook_url: SecretString,
    pub channel: Option<String>,
    pub username: Option<String>,
    pub icon_emoji: Option<String>,
}

/// What a domain's credential file says of its notices.
#[derive(Debug, Clone)]
pub enum DomainSlack {
    Off,
    /// With what differs from the global webhook, if anything.
    On(SlackOverrides),
}

/// What a domain sets by itself.
#[derive(Debug, Clone, Default)]
pub struct SlackOverrides {
    pub webhook_url: Option<SecretString>,
    pub channel: Option<String>,
    pub username: Option<String>,
    pub icon_emoji: Option<String>,
}

impl Default for DomainSlack {
    /// Nothing is said: the global webhook counts.
    fn default() -> Self {
        Self::On(SlackOverrides::default())
    }
}

impl DomainSlack {
    /// Whether anybody is told.
    pub fn is_told(&self, global: Option<&SlackConfig>) -> bool {
        match self {
            Self::Off => false,
            Self::On(own) => own.webhook_url.is_some() || global.is_some(),
        }
    }

    /// Where and how to tell. The global channel and looks go with the global webhook only: another
    /// workspace may not have them.
    pub fn over(&self, global: Option<&SlackConfig>) -> Option<SlackConfig> {
        let Self::On(own) = self else { return None };
        let base = match &own.webhook_url {
            Some(webhook_url) => SlackConfig::new(webhook_url.clone()),
            None => global?.clone(),
        };
        Some(SlackConfig {
            channel: own.channel.clone().or(base.channel),
            username: own.username.clone().or(base.username),
            icon_emoji: own.icon_emoji.clone().or(base.icon_emoji),
            webhook_url: base.webhook_url,
        })
    }
}

impl SlackConfig {
    /// As the webhook itself says.
    pub fn new(webhook_url: SecretString) -> Self {
        Self { webhook_url, channel: None, username: None, icon_emoji: None }
    }
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            instance: "gateway".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            mounted: Vec::new(),
            upstream: UpstreamConfig::default(),
            clients: ClientConfig::default(),
            access: AccessConfig::default(),
            capture: CaptureConfig {
                enabled: true,
                required: false,
                samples_dir: None,
                debug: false,
            },
            limits: LimitConfig::default(),
            notify: NotifyConfig::default(),
        }
    }
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        Self {
            base_url: "https://api.anthropic.com".into(),
            timeout: Duration::from_mins(10),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(5),
            extra_roots: None,
            https_proxy: None,
            no_proxy: Vec::new(),
            http2: true,
            retry_status: Vec::new(),
            max_retries: 2,
            max_idle_connections: 256,
            idle_connection_timeout: Duration::from_secs(55),
        }
    }
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_mins(11),
            head_timeout: Duration::from_secs(20),
            stall_timeout: Duration::from_mins(1),
            keep_alive: Duration::from_secs(75),
            drain_timeout: Duration::from_secs(30),
            max_request_size: 32 << 20,
            max_connections: 25_000,
            max_in_flight_bytes: 1 << 30,
            on_abort: OnClientAbort::Cancel,
            trusted_proxies: Vec::new(),
            workers: None,
        }
    }
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self {
            credentials_dir: "./credentials".into(),
            client_auth: true,
            allow_passthrough: false,
            api_key_salt: SecretString::default(),
            dashboard_key: None,
            oauth_token_url: "https://console.anthropic.com/v1/oauth/token".into(),
            oauth_authorize_url: "https://claude.ai/oauth/authorize".into(),
            oauth_client_id: "9d1c250a-e61b-44d9-88ed-5944d1962f5e".into(),
            renewal_timeout: Duration::from_secs(10),
        }
    }
}
