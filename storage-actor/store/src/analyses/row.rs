//! From rows to values.

use jiff::Timestamp;
use nexus_contract::ExchangeId;
use sqlx::FromRow;
use uuid::Uuid;

use super::job::{Analysis, Attempt, Branch, JobStatus, LeasedJob};
use crate::error::{Result, StoreError};

/// The columns of [`AnalysisRow`], for `SELECT` and `RETURNING`; a list has others for the result,
/// whose texts are long.
macro_rules! analysis_columns {
    () => {
        analysis_columns!("content, data")
    };
    ($result:literal) => {
        concat!(
            "job_id, conversation_id, branch_id, status, run, attempts, due_at, custom_prompt, \
             requested_by, requested_at, updated_at, started_at, finished_at, ",
            $result,
            ", through_id, model, versions, prompt_tokens, completion_tokens, estimated_tokens, \
             duration_ms, cost_nanos, error_kind, error"
        )
    };
}
pub(super) use analysis_columns;

#[derive(FromRow)]
pub(super) struct AnalysisRow {
    job_id: Uuid,
    conversation_id: Uuid,
    branch_id: String,
    status: String,
    run: i64,
    attempts: i64,
    due_at: i64,
    custom_prompt: Option<String>,
    requested_by: String,
    requested_at: i64,
    updated_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    content: Option<String>,
    data: Option<String>,
    through_id: Option<Uuid>,
    model: Option<String>,
    versions: Option<String>,
    prompt_tokens: Option<i64>,
    completion_tokens: Option<i64>,
    estimated_tokens: Option<i64>,
    duration_ms: Option<i64>,
    cost_nanos: Option<i64>,
    error_kind: Option<String>,
    error: Option<String>,
}

impl AnalysisRow {
    pub fn read(self) -> Result<Analysis> {
        let status = JobStatus::parse(&self.status).ok_or_else(|| self.odd("status"))?;
        let data = self.data.as_deref().map(serde_json::from_str).transpose();
        let data = data.map_err(|error| self.odd(&format!("data ({error})")))?;
        Ok(Analysis {
            job_id: self.job_id,
            branch: Branch {
                conversation_id: ExchangeId(self.conversation_id),
                branch_id: self.branch_id,
            },
            status,
            run: count(self.run),
            attempts: small(self.attempts),
            due_at: instant(self.due_at)?,
            custom_prompt: self.custom_prompt,
            requested_by: self.requested_by,
            requested_at: instant(self.requested_at)?,
            updated_at: instant(self.updated_at)?,
            started_at: self.started_at.map(instant).transpose()?,
            finished_at: self.finished_at.map(instant).transpose()?,
            content: self.content,
            data,
            through_id: self.through_id.map(ExchangeId),
            model: self.model,
            versions: self.versions,
            prompt_tokens: self.prompt_tokens.map(count),
            completion_tokens: self.completion_tokens.map(count),
            estimated_tokens: self.estimated_tokens.map(count),
            duration_ms: self.duration_ms.map(count),
            cost_nanos: self.cost_nanos,
            error_kind: self.error_kind,
            error: self.error,
        })
    }

    fn odd(&self, what: &str) -> StoreError {
        StoreError::Corrupt(format!("{what} of the row {} in analyses", self.job_id))
    }
}

#[derive(FromRow)]
pub(super) struct LeasedRow {
    job_id: Uuid,
    conversation_id: Uuid,
    branch_id: String,
    run: i64,
    fence: i64,
    attempts: i64,
    custom_prompt: Option<String>,
    requested_by: String,
}

impl From<LeasedRow> for LeasedJob {
    fn from(row: LeasedRow) -> Self {
        Self {
            job_id: row.job_id,
            branch: Branch {
                conversation_id: ExchangeId(row.conversation_id),
                branch_id: row.branch_id,
            },
            run: count(row.run),
            fence: row.fence,
            attempt: small(row.attempts),
            custom_prompt: row.custom_prompt,
            requested_by: row.requested_by,
        }
    }
}

#[derive(FromRow)]
pub(super) struct AttemptRow {
    run: i64,
    attempt: i64,
    worker: String,
    started_at: i64,
    ended_at: Option<i64>,
    outcome: Option<String>,
    error_kind: Option<String>,
    error: Option<String>,
    status: Option<i64>,
    model: Option<String>,
    prompt_tokens: Option<i64>,
    completion_tokens: Option<i64>,
    cost_nanos: Option<i64>,
}

impl AttemptRow {
    pub fn read(self) -> Result<Attempt> {
        Ok(Attempt {
            run: count(self.run),
            attempt: small(self.attempt),
            worker: self.worker,
            started_at: instant(self.started_at)?,
            ended_at: self.ended_at.map(instant).transpose()?,
            outcome: self.outcome,
            error_kind: self.error_kind,
            error: self.error,
            status: self.status.and_then(|status| u16::try_from(status).ok()),
            model: self.model,
            prompt_tokens: self.prompt_tokens.map(count),
            completion_tokens: self.completion_tokens.map(count),
            cost_nanos: self.cost_nanos,
        })
    }
}

pub(super) fn instant(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros)
        .map_err(|error| StoreError::Corrupt(format!("a time of an analysis: {error}")))
}

/// Never negative in a row; never above `i64::MAX` in a value.
pub(super) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

fn small(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

pub(super) fn column(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
