//! What an operator can set.

use std::{sync::Arc, time::Duration};

use ipnet::IpNet;
use nexus_messages::PriceTable;
use secrecy::{SecretSlice, SecretString};

/// The dashboard's settings; the binary reads them from flags, environment and file.
#[derive(Debug)]
pub struct DashboardConfig {
    /// `DASHBOARD_API_KEY`. `None`: everybody may read, nobody may write.
    pub api_key: Option<SecretString>,
    /// Signs sessions. At least 32 bytes; the same in every dashboard process, and kept over
    /// restarts, or people are logged out by them.
    pub session_secret: SecretSlice<u8>,
    /// How long a login lasts.
    pub session_lifetime: Duration,
    /// `DASHBOARD_CACHE_TTL`: how long an aggregate may be shown again. Zero: not at all.
    pub cache_ttl: Duration,
    /// `TRUSTED_PROXIES`: whose `X-Forwarded-For` and `X-Forwarded-Proto` count.
    pub trusted_proxies: Vec<IpNet>,
    /// Where clients reach the gateway, for the set-up page: `http://localhost:3000`.
    pub gateway_url: String,
    /// The gateway's port, where it listens on every address: it is then reached under the name
    /// under which the dashboard is.
    pub gateway_port: Option<u16>,
    /// `AI_ANALYSIS_RATE_LIMIT_CREATION` and `…_RETRIEVAL`: calls a visitor and minute.
    pub analysis_creations: u32,
    pub analysis_retrievals: u32,
    /// What a missed cache is priced by.
    pub prices: Arc<PriceTable>,
    /// `SPARK_API_URL` with `SPARK_API_KEY`; `None` when there is no key.
    pub spark: Option<SparkConfig>,
    /// Live streams that one session, one address, and all together may hold open.
    pub max_streams_per_session: usize,
    pub max_streams_per_address: usize,
    pub max_streams: usize,
}

/// The service that takes feedback on recommendations.
#[derive(Debug, Clone)]
pub struct SparkConfig {
    pub url: String,
    pub key: SecretString,
    /// The longest that one of its answers may take.
    pub timeout: Duration,
}

impl SparkConfig {
    pub fn new(url: impl Into<String>, key: SecretString) -> Self {
        Self { url: url.into(), key, timeout: Duration::from_secs(15) }
    }
}

impl DashboardConfig {
    /// Defaults, with the secret that signs sessions.
    pub fn new(session_secret: SecretSlice<u8>) -> Self {
        Self {
            api_key: None,
            session_secret,
            session_lifetime: Duration::from_hours(14 * 24),
            cache_ttl: Duration::from_secs(30),
            trusted_proxies: Vec::new(),
            gateway_url: "http://localhost:3000".into(),
            gateway_port: None,
            analysis_creations: 15,
            analysis_retrievals: 100,
            prices: Arc::new(PriceTable::listed()),
            spark: None,
            max_streams_per_session: 12,
            max_streams_per_address: 64,
            max_streams: 20_000,
        }
    }
}
