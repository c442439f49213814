//! What an analysis is.

use jiff::Timestamp;
use nexus_contract::ExchangeId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// What an analysis is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Branch {
    pub conversation_id: ExchangeId,
    pub branch_id: String,
}

impl Branch {
    /// The job of a branch has always the same id: a UUIDv5 of both.
    pub fn job_id(&self) -> Uuid {
        Uuid::new_v5(&self.conversation_id.0, self.branch_id.as_bytes())
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    Pending,
    Processing,
    Completed,
    Failed,
}

impl JobStatus {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Completed, Self::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// A job as readers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    pub job_id: Uuid,
    pub branch: Branch,
    pub status: JobStatus,
    pub run: u64,
    /// Attempts that this run has begun.
    pub attempts: u32,
    /// Pending: when the next attempt may begin. Processing: when its lease ends.
    pub due_at: Timestamp,
    pub custom_prompt: Option<String>,
    pub requested_by: String,
    pub requested_at: Timestamp,
    pub updated_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Markdown.
    pub content: Option<String>,
    /// The result as data, when the model kept to the schema.
    pub data: Option<Value>,
    /// The newest exchange that the result knows.
    pub through_id: Option<ExchangeId>,
    pub model: Option<String>,
    /// Versions of the prompt and of Nexus.
    pub versions: Option<String>,
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    /// What the local estimate of the prompt was, to compare with `prompt_tokens`.
    pub estimated_tokens: Option<u64>,
    pub duration_ms: Option<u64>,
    /// Billionths of a US dollar; `None` when the model's price isn't known.
    pub cost_nanos: Option<i64>,
    /// Of the attempt that failed last.
    pub error_kind: Option<String>,
    pub error: Option<String>,
}

/// What became of a request for an analysis.
#[derive(Debug, Clone, PartialEq)]
pub enum Requested {
    /// There was none before.
    Created(Analysis),
    /// The one that had failed is queued again.
    Requeued(Analysis),
    /// There is one already.
    Existing(Analysis),
}

/// Who leases, from when until when, and what may be leased at all.
#[derive(Debug, Clone)]
pub struct LeaseRequest {
    pub worker: String,
    pub now: Timestamp,
    pub until: Timestamp,
    /// Jobs at most.
    pub max_jobs: u32,
    /// Jobs that have begun as many attempts in their run are left alone.
    pub max_attempts: u32,
}

/// A job in a worker's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedJob {
    pub job_id: Uuid,
    pub branch: Branch,
    pub run: u64,
    /// Proves the lease in every further call.
    pub fence: i64,
    /// Which attempt of the run this is, from 1.
    pub attempt: u32,
    pub custom_prompt: Option<String>,
    pub requested_by: String,
}

/// A result.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    pub content: String,
    pub data: Option<Value>,
    pub through_id: Option<ExchangeId>,
    pub versions: String,
    pub estimated_tokens: u64,
    pub duration_ms: u64,
    pub end: AttemptEnd,
}

/// What an attempt cost, whatever came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttemptEnd {
    pub at: Timestamp,
    pub model: Option<String>,
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub cost_nanos: Option<i64>,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptFailure {
    /// A short name: `rate_limited`, `safety`, `timeout`, …
    pub kind: String,
    pub message: String,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// When to try again; `None` fails the job.
    pub retry_at: Option<Timestamp>,
    pub end: AttemptEnd,
}

/// One attempt, for the history of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    pub run: u64,
    pub attempt: u32,
    pub worker: String,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// `completed`, `failed`, `lost`, `cancelled`, `released`; `None` while it runs.
    pub outcome: Option<String>,
    pub error_kind: Option<String>,
    pub error: Option<String>,
    pub status: Option<u16>,
    pub model: Option<String>,
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub cost_nanos: Option<i64>,
}
