//! The settings as values of their types. The meaning of each field stands in the [table](super::TABLE).

use std::{
    net::IpAddr,
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use super::{
    Resolved,
    parse::{ByteSize, FromSetting, PerMinute, Period, ProxyUrl, Rate, SecretUrl},
    resolve::Source,
};

/// What becomes of an exchange that can't be captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capture {
    Available,
    Required,
}

/// What becomes of an upstream call whose client left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnClientAbort {
    Cancel,
    Finish,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Pretty,
    Json,
}

macro_rules! words {
    ($kind:ident, $sentence:literal, $($word:literal => $variant:ident),*) => {
        impl FromSetting for $kind {
            fn from_setting(text: &str) -> Result<Self, String> {
                match text.to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$variant),)*
                    _ => Err($sentence.into()),
                }
            }
        }
    };
}
words!(Capture, "must be `available` or `required`", "available" => Available, "required" => Required);
words!(OnClientAbort, "must be `cancel` or `finish`", "cancel" => Cancel, "finish" => Finish);
words!(LogFormat, "must be `pretty` or `json`", "pretty" => Pretty, "json" => Json);

/// Every setting, by type.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "switches of an operator, each one a setting")]
pub struct Settings {
    pub port: u16,
    pub host: IpAddr,
    pub dashboard_port: u16,
    pub dashboard_host: IpAddr,
    pub admin_host: IpAddr,
    pub admin_port: u16,
    pub instance: Option<String>,
    pub proxy_server_timeout_ms: NonZeroU64,
    pub drain_timeout: Period,
    pub max_connections: NonZeroUsize,
    pub max_in_flight: ByteSize,
    pub max_request_size: ByteSize,
    pub trusted_proxies: Option<Vec<IpNet>>,
    pub data_dir: PathBuf,
    pub database_url: Option<SecretString>,
    pub nats_url: Option<SecretString>,
    pub nats_creds: Option<PathBuf>,
    pub nats_ca: Option<PathBuf>,
    pub nats_replicas: usize,
    pub storage_enabled: bool,
    pub stream_max_bytes: ByteSize,
    pub slow_query_threshold_ms: u64,
    pub upstream: Url,
    pub upstream_timeout_ms: NonZeroU64,
    pub upstream_connect_timeout_ms: NonZeroU64,
    pub upstream_idle_timeout_ms: NonZeroU64,
    pub upstream_ca: Option<PathBuf>,
    pub https_proxy: Option<Url>,
    pub no_proxy: Option<Vec<String>>,
    pub retry_status: Option<Vec<u16>>,
    pub on_client_abort: OnClientAbort,
    pub credentials_dir: PathBuf,
    pub client_auth: bool,
    pub allow_passthrough: Option<bool>,
    pub dashboard_api_key: Option<SecretString>,
    pub dashboard_cache_ttl_s: u64,
    pub api_key_salt: Option<SecretString>,
    pub oauth_token_url: Url,
    pub oauth_authorize_url: Url,
    pub rate_limit_key: Option<Rate>,
    pub rate_limit_domain: Option<Rate>,
    pub capture: Capture,
    pub journal_max: ByteSize,
    pub prices: Option<PathBuf>,
    pub retention_payloads: Option<Period>,
    pub retention_rows: Option<Period>,
    pub retention_usage: Option<Period>,
    pub retention_dead_letters: Option<Period>,
    pub log_level: String,
    pub log_format: Option<LogFormat>,
    pub debug: bool,
    pub debug_sql: bool,
    pub otlp_endpoint: Option<Url>,
    pub otel_bodies: bool,
    pub slack_webhook: Option<SecretString>,
    pub slack_channel: Option<String>,
    pub slack_username: Option<String>,
    pub slack_icon_emoji: Option<String>,
    pub collect_test_samples: bool,
    pub test_samples_dir: PathBuf,
    pub telemetry_endpoint: Option<Url>,
    pub spark_url: Url,
    pub spark_key: Option<SecretString>,
    pub mcp_enabled: bool,
    pub mcp_prompts_dir: PathBuf,
    pub mcp_watch_files: bool,
    pub mcp_github_owner: Option<String>,
    pub mcp_github_repo: Option<String>,
    pub mcp_github_branch: String,
    pub mcp_github_token: Option<SecretString>,
    pub mcp_github_path: String,
    pub mcp_github_api: Url,
    pub mcp_sync_interval_s: u64,
    pub ai_enabled: bool,
    pub ai_poll_interval_ms: NonZeroU64,
    pub ai_max_concurrent_jobs: NonZeroUsize,
    pub ai_job_timeout_minutes: NonZeroU64,
    pub ai_max_retries: NonZeroU32,
    pub gemini_timeout_ms: NonZeroU64,
    pub gemini_key: Option<SecretString>,
    pub gemini_url: Url,
    pub gemini_model: String,
    pub ai_max_prompt_tokens: u64,
    pub ai_head_messages: usize,
    pub ai_tail_messages: usize,
    pub ai_truncation_target: u64,
    pub ai_truncate_first: u64,
    pub ai_truncate_last: u64,
    pub ai_rate_creation: PerMinute,
    pub ai_rate_retrieval: PerMinute,
    pub ai_daily_budget: Option<u64>,
}

impl Settings {
    /// All settings, or every mistake in them.
    pub fn from_resolved(resolved: &Resolved) -> Result<Self, Vec<String>> {
        let mut reader = Reader { resolved, mistakes: Vec::new() };
        let settings = Self::read(&mut reader);
        match settings {
            Some(settings) if reader.mistakes.is_empty() => Ok(settings),
            _ => Err(reader.mistakes),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one line a setting")]
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let port = reader.required("PORT");
        let host = reader.required("HOST");
        let dashboard_port = reader.required("DASHBOARD_PORT");
        let dashboard_host = reader.required("DASHBOARD_HOST");
        let admin_host = reader.required("NEXUS_ADMIN_HOST");
        let admin_port = reader.required("NEXUS_ADMIN_PORT");
        let instance = reader.optional("NEXUS_INSTANCE");
        let proxy_server_timeout_ms = reader.required("PROXY_SERVER_TIMEOUT");
        let drain_timeout = reader.required("NEXUS_DRAIN_TIMEOUT");
        let max_connections = reader.required("NEXUS_MAX_CONNECTIONS");
        let max_in_flight = reader.required("NEXUS_MAX_IN_FLIGHT_BYTES");
        let max_request_size = reader.required("MAX_REQUEST_SIZE");
        let trusted_proxies = reader.optional("TRUSTED_PROXIES");
        let data_dir = reader.required("NEXUS_DATA_DIR");
        let database_url = reader.optional("DATABASE_URL");
        let nats_url = reader.optional("NATS_URL");
        let nats_creds = reader.optional("NATS_CREDS");
        let nats_ca = reader.optional("NEXUS_NATS_CA");
        let nats_replicas = reader.required("NEXUS_NATS_REPLICAS");
        let storage_enabled = reader.required("STORAGE_ENABLED");
        let stream_max_bytes = reader.required("NEXUS_STREAM_MAX_BYTES");
        let slow_query_threshold_ms = reader.required("SLOW_QUERY_THRESHOLD_MS");
        let upstream = reader.required("CLAUDE_API_BASE_URL");
        let upstream_timeout_ms = reader.required("CLAUDE_API_TIMEOUT");
        let upstream_connect_timeout_ms = reader.required("CLAUDE_API_CONNECT_TIMEOUT");
        let upstream_idle_timeout_ms = reader.required("CLAUDE_API_IDLE_TIMEOUT");
        let upstream_ca = reader.optional("NEXUS_UPSTREAM_CA");
        let https_proxy = reader.optional("HTTPS_PROXY").map(|ProxyUrl(url)| url);
        let no_proxy = reader.optional("NO_PROXY");
        let retry_status = reader.optional("NEXUS_RETRY_STATUS");
        let on_client_abort = reader.required("NEXUS_ON_CLIENT_ABORT");
        let credentials_dir = reader.required("CREDENTIALS_DIR");
        let client_auth = reader.required("ENABLE_CLIENT_AUTH");
        let allow_passthrough = reader.optional("ALLOW_PASSTHROUGH");
        let dashboard_api_key = reader.optional("DASHBOARD_API_KEY");
        let dashboard_cache_ttl_s = reader.required("DASHBOARD_CACHE_TTL");
        let api_key_salt = reader.optional("API_KEY_SALT");
        let oauth_token_url = reader.required("NEXUS_OAUTH_TOKEN_URL");
        let oauth_authorize_url = reader.required("NEXUS_OAUTH_AUTHORIZE_URL");
        let rate_limit_key = reader.optional("NEXUS_RATE_LIMIT_KEY");
        let rate_limit_domain = reader.optional("NEXUS_RATE_LIMIT_DOMAIN");
        let capture = reader.required("NEXUS_CAPTURE");
        let journal_max = reader.required("NEXUS_JOURNAL_MAX_BYTES");
        let prices = reader.optional("NEXUS_PRICES");
        let retention_payloads = reader.optional("NEXUS_RETENTION_PAYLOADS");
        let retention_rows = reader.optional("NEXUS_RETENTION_ROWS");
        let retention_usage = reader.optional("NEXUS_RETENTION_USAGE");
        let retention_dead_letters = reader.optional("NEXUS_RETENTION_DEAD_LETTERS");
        let log_level = reader.required("LOG_LEVEL");
        let log_format = reader.optional("LOG_FORMAT");
        let debug = reader.required("DEBUG");
        let debug_sql = reader.required("DEBUG_SQL");
        let otlp_endpoint = reader.optional("OTEL_EXPORTER_OTLP_ENDPOINT");
        let otel_bodies = reader.required("NEXUS_OTEL_BODIES");
        let slack_webhook = reader.optional("SLACK_WEBHOOK_URL").map(|SecretUrl(url)| url);
        let slack_channel = reader.optional("SLACK_CHANNEL");
        let slack_username = reader.optional("SLACK_USERNAME");
        let slack_icon_emoji = reader.optional("SLACK_ICON_EMOJI");
        let collect_test_samples = reader.required("COLLECT_TEST_SAMPLES");
        let test_samples_dir = reader.required("TEST_SAMPLES_DIR");
        let telemetry_endpoint = reader.optional("TELEMETRY_ENDPOINT");
        let spark_url = reader.required("SPARK_API_URL");
        let spark_key = reader.optional("SPARK_API_KEY");
        let mcp_enabled = reader.required("MCP_ENABLED");
        let mcp_prompts_dir = reader.required("MCP_PROMPTS_DIR");
        let mcp_watch_files = reader.required("MCP_WATCH_FILES");
        let mcp_github_owner = reader.optional("MCP_GITHUB_OWNER");
        let mcp_github_repo = reader.optional("MCP_GITHUB_REPO");
        let mcp_github_branch = reader.required("MCP_GITHUB_BRANCH");
        let mcp_github_token = reader.optional("MCP_GITHUB_TOKEN");
        let mcp_github_path = reader.required("MCP_GITHUB_PATH");
        let mcp_github_api = reader.required("MCP_GITHUB_API_URL");
        let mcp_sync_interval_s = reader.required("MCP_SYNC_INTERVAL");
        let ai_enabled = reader.required("AI_WORKER_ENABLED");
        let ai_poll_interval_ms = reader.required("AI_WORKER_POLL_INTERVAL_MS");
        let ai_max_concurrent_jobs = reader.required("AI_WORKER_MAX_CONCURRENT_JOBS");
        let ai_job_timeout_minutes = reader.required("AI_WORKER_JOB_TIMEOUT_MINUTES");
        let ai_max_retries = reader.required("AI_ANALYSIS_MAX_RETRIES");
        let gemini_timeout_ms = reader.required("AI_ANALYSIS_GEMINI_REQUEST_TIMEOUT_MS");
        let gemini_key = reader.optional("GEMINI_API_KEY");
        let gemini_url = reader.required("GEMINI_API_URL");
        let gemini_model = reader.required("GEMINI_MODEL_NAME");
        let ai_max_prompt_tokens = reader.required("AI_MAX_PROMPT_TOKENS");
        let ai_head_messages = reader.required("AI_HEAD_MESSAGES");
        let ai_tail_messages = reader.required("AI_TAIL_MESSAGES");
        let ai_truncation_target = reader.required("AI_ANALYSIS_INPUT_TRUNCATION_TARGET_TOKENS");
        let ai_truncate_first = reader.required("AI_ANALYSIS_TRUNCATE_FIRST_N_TOKENS");
        let ai_truncate_last = reader.required("AI_ANALYSIS_TRUNCATE_LAST_M_TOKENS");
        let ai_rate_creation = reader.required("AI_ANALYSIS_RATE_LIMIT_CREATION");
        let ai_rate_retrieval = reader.required("AI_ANALYSIS_RATE_LIMIT_RETRIEVAL");
        let ai_daily_budget = reader.optional("AI_ANALYSIS_DAILY_TOKEN_BUDGET");
        Some(Self {
            port: port?,
            host: host?,
            dashboard_port: dashboard_port?,
            dashboard_host: dashboard_host?,
            admin_host: admin_host?,
            admin_port: admin_port?,
            instance,
            proxy_server_timeout_ms: proxy_server_timeout_ms?,
            drain_timeout: drain_timeout?,
            max_connections: max_connections?,
            max_in_flight: max_in_flight?,
            max_request_size: max_request_size?,
            trusted_proxies,
            data_dir: data_dir?,
            database_url,
            nats_url,
            nats_creds,
            nats_ca,
            nats_replicas: nats_replicas?,
            storage_enabled: storage_enabled?,
            stream_max_bytes: stream_max_bytes?,
            slow_query_threshold_ms: slow_query_threshold_ms?,
            upstream: upstream?,
            upstream_timeout_ms: upstream_timeout_ms?,
            upstream_connect_timeout_ms: upstream_connect_timeout_ms?,
            upstream_idle_timeout_ms: upstream_idle_timeout_ms?,
            upstream_ca,
            https_proxy,
            no_proxy,
            retry_status,
            on_client_abort: on_client_abort?,
            credentials_dir: credentials_dir?,
            client_auth: client_auth?,
            allow_passthrough,
            dashboard_api_key,
            dashboard_cache_ttl_s: dashboard_cache_ttl_s?,
            api_key_salt,
            oauth_token_url: oauth_token_url?,
            oauth_authorize_url: oauth_authorize_url?,
            rate_limit_key,
            rate_limit_domain,
            capture: capture?,
            journal_max: journal_max?,
            prices,
            retention_payloads,
            retention_rows,
            retention_usage,
            retention_dead_letters,
            log_level: log_level?,
            log_format,
            debug: debug?,
            debug_sql: debug_sql?,
            otlp_endpoint,
            otel_bodies: otel_bodies?,
            slack_webhook,
            slack_channel,
            slack_username,
            slack_icon_emoji,
            collect_test_samples: collect_test_samples?,
            test_samples_dir: test_samples_dir?,
            telemetry_endpoint,
            spark_url: spark_url?,
            spark_key,
            mcp_enabled: mcp_enabled?,
            mcp_prompts_dir: mcp_prompts_dir?,
            mcp_watch_files: mcp_watch_files?,
            mcp_github_owner,
            mcp_github_repo,
            mcp_github_branch: mcp_github_branch?,
            mcp_github_token,
            mcp_github_path: mcp_github_path?,
            mcp_github_api: mcp_github_api?,
            mcp_sync_interval_s: mcp_sync_interval_s?,
            ai_enabled: ai_enabled?,
            ai_poll_interval_ms: ai_poll_interval_ms?,
            ai_max_concurrent_jobs: ai_max_concurrent_jobs?,
            ai_job_timeout_minutes: ai_job_timeout_minutes?,
            ai_max_retries: ai_max_retries?,
            gemini_timeout_ms: gemini_timeout_ms?,
            gemini_key,
            gemini_url: gemini_url?,
            gemini_model: gemini_model?,
            ai_max_prompt_tokens: ai_max_prompt_tokens?,
            ai_head_messages: ai_head_messages?,
            ai_tail_messages: ai_tail_messages?,
            ai_truncation_target: ai_truncation_target?,
            ai_truncate_first: ai_truncate_first?,
            ai_truncate_last: ai_truncate_last?,
            ai_rate_creation: ai_rate_creation?,
            ai_rate_retrieval: ai_rate_retrieval?,
            ai_daily_budget,
        })
    }
}

struct Reader<'a> {
    resolved: &'a Resolved,
    mistakes: Vec<String>,
}

impl Reader<'_> {
    fn optional<T: FromSetting>(&mut self, name: &'static str) -> Option<T> {
        let (text, source) = self.resolved.get(name)?;
        T::from_setting(text)
            .map_err(|wrong| self.mistakes.push(sentence(name, source, &wrong)))
            .ok()
    }

    /// A setting with a default; `None` only after a mistake.
    fn required<T: FromSetting>(&mut self, name: &'static str) -> Option<T> {
        let before = self.mistakes.len();
        let value = self.optional(name);
        if value.is_none() && self.mistakes.len() == before {
            self.mistakes.push(format!("{name} has no value and no default"));
        }
        value
    }
}

fn sentence(name: &str, source: Source, wrong: &str) -> String {
    match source {
        Source::Default => format!("{name} {wrong}"),
        _ => format!("{name} (from {source}) {wrong}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::settings::{Inputs, TABLE, resolve};

    fn settings(environment: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        let environment: BTreeMap<_, _> =
            environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::from_resolved(&resolve(&Inputs { environment, ..Inputs::default() })?)
    }

    #[test]
    fn the_defaults_are_valid() {
        let settings = settings(&[]).expect("valid");
        assert_eq!(settings.port, 3000);
        assert_eq!(settings.max_request_size, ByteSize(32 << 20));
        assert_eq!(settings.allow_passthrough, None);
    }

    #[test]
    fn every_mistake_is_reported_with_its_source() {
        let mistakes = settings(&[("PORT", "http"), ("NEXUS_CAPTURE", "maybe"), ("DEBUG", "2")])
            .expect_err("three mistakes");
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        assert!(mistakes[0].starts_with("PORT (from environment) must be a whole number"));
    }

    #[test]
    fn bounds_that_would_let_nothing_through_are_mistakes() {
        for name in [
            "CLAUDE_API_TIMEOUT",
            "CLAUDE_API_CONNECT_TIMEOUT",
            "CLAUDE_API_IDLE_TIMEOUT",
            "PROXY_SERVER_TIMEOUT",
            "NEXUS_MAX_CONNECTIONS",
            "MAX_REQUEST_SIZE",
        ] {
            let mistakes = settings(&[(name, "0")]).expect_err(name);
            assert!(mistakes[0].starts_with(name), "{mistakes:?}");
            assert!(settings(&[(name, "1")]).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_url_that_is_a_secret_is_checked_and_not_told() {
        for name in ["SLACK_WEBHOOK_URL", "TELEMETRY_ENDPOINT", "HTTPS_PROXY"] {
            for wrong in ["a b/T0/B0/key", "ftp://host/T0/B0/key", "https://host:port/T0/B0/key"] {
                let mistakes = settings(&[(name, wrong)]).expect_err(name);
                assert!(mistakes[0].starts_with(name), "{mistakes:?}");
                assert!(mistakes[0].contains("URL") && !mistakes[0].contains("T0"), "{mistakes:?}");
            }
        }
    }

    #[test]
    fn a_wrong_value_of_any_typed_setting_is_a_mistake_that_names_it() {
        let texts = ["String", "PathBuf", "SecretString"];
        let source = include_str!("typed.rs");
        for definition in TABLE {
            let read = source.split(&format!("(\"{}\")", definition.name)).next().unwrap_or("");
            let field = read.rsplit("let ").next().unwrap_or("").split(' ').next().unwrap_or("");
            let declared = source.split(&format!("pub {field}: ")).nth(1).unwrap_or("");
            let kind = declared.split(",\n").next().unwrap_or("");
            if texts.iter().any(|text| kind.contains(text)) {
                continue;
            }
            let mistakes = settings(&[(definition.name, "\u{1}?")]).expect_err(definition.name);
            assert!(mistakes[0].contains(definition.name), "{mistakes:?}");
        }
    }
}
