//! What an operator can set.

use std::time::Duration;

use secrecy::SecretString;

/// The settings of the analysis role; the binary reads them from flags, environment and file.
#[derive(Debug, Clone)]
pub struct AnalysisConfig {
    pub gemini: GeminiConfig,
    pub truncation: Truncation,
    /// `AI_WORKER_POLL_INTERVAL_MS`: how often the queue is looked at when nothing wakes the worker.
    pub poll_interval: Duration,
    /// `AI_WORKER_MAX_CONCURRENT_JOBS`: how many jobs run at once in this process.
    pub max_concurrent_jobs: usize,
    /// `AI_WORKER_JOB_TIMEOUT_MINUTES`: after how long without a heartbeat a job is taken over.
    pub job_timeout: Duration,
    /// `AI_ANALYSIS_MAX_RETRIES`: attempts in all, each one call.
    pub max_attempts: u32,
    /// The wait before the second attempt; it doubles with every further one.
    pub retry_base: Duration,
    /// `AI_ANALYSIS_DAILY_TOKEN_BUDGET`: tokens a day (UTC) after which no further job begins.
    pub daily_token_budget: Option<u64>,
    /// How long running jobs may go on after a stop was asked for.
    pub drain_timeout: Duration,
    /// The name of this process, for leases and the audit log.
    pub worker: String,
}

/// How Gemini is reached.
#[derive(Debug, Clone)]
pub struct GeminiConfig {
    /// `GEMINI_API_URL`: everything before `/{model}:generateContent`.
    pub api_url: String,
    /// `GEMINI_API_KEY`.
    pub api_key: SecretString,
    /// `GEMINI_MODEL_NAME`.
    pub model: String,
    /// `AI_ANALYSIS_GEMINI_REQUEST_TIMEOUT_MS`: one call, from connecting to the last byte.
    pub request_timeout: Duration,
}

/// How much of a branch is sent. Sizes are tokens, by the local estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncation {
    /// `AI_MAX_PROMPT_TOKENS`: the whole prompt, whatever else is set.
    pub max_prompt_tokens: u64,
    /// `AI_ANALYSIS_INPUT_TRUNCATION_TARGET_TOKENS`: a transcript of this size is sent whole.
    pub target_tokens: u64,
    /// `AI_ANALYSIS_TRUNCATE_FIRST_N_TOKENS`: of a longer one, this much of its beginning is kept,
    pub first_tokens: u64,
    /// `AI_ANALYSIS_TRUNCATE_LAST_M_TOKENS`: and this much of its end.
    pub last_tokens: u64,
    /// `AI_HEAD_MESSAGES`: messages kept at the beginning, at least.
    pub head_messages: usize,
    /// `AI_TAIL_MESSAGES`: messages kept at the end, at least.
    pub tail_messages: usize,
}

impl AnalysisConfig {
    /// The defaults, with a key and a name.
    pub fn new(api_key: SecretString, worker: impl Into<String>) -> Self {
        Self {
            gemini: GeminiConfig::new(api_key),
            truncation: Truncation::default(),
            poll_interval: Duration::from_secs(5),
            max_concurrent_jobs: 3,
            job_timeout: Duration::from_mins(5),
            max_attempts: 3,
            retry_base: Duration::from_secs(2),
            daily_token_budget: None,
            drain_timeout: Duration::from_secs(25),
            worker: worker.into(),
        }
    }
}

impl GeminiConfig {
    pub const DEFAULT_URL: &str = "https://generativelanguage.googleapis.com/v1beta/models";
    pub const DEFAULT_MODEL: &str = "gemini-2.0-flash-exp";

    pub fn new(api_key: SecretString) -> Self {
        Self {
            api_url: Self::DEFAULT_URL.to_owned(),
            api_key,
            model: Self::DEFAULT_MODEL.to_owned(),
            request_timeout: Duration::from_mins(1),
        }
    }
}

impl Default for Truncation {
    fn default() -> Self {
        Self {
            max_prompt_tokens: 855_000,
            target_tokens: 8_192,
            first_tokens: 1_000,
            last_tokens: 4_000,
            head_messages: 10,
            tail_messages: 30,
        }
    }
}
