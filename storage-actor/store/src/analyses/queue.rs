//! The workers' side of the queue.

use async_trait::async_trait;
use duplicate::duplicate_item;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction};
use uuid::Uuid;

use super::{
    job::{Analysis, AttemptEnd, AttemptFailure, Completion, LeaseRequest, LeasedJob},
    row::{AnalysisRow, LeasedRow, analysis_columns, column},
};
use crate::{
    dialect::Dialect,
    engine::SqlStore,
    error::{Context, Result},
    exchanges::merge::clean,
    sql,
};

/// Leases jobs and settles them. Every method that settles one says whether the lease still held;
/// where it didn't, the job is left as it is and only the attempt's cost is recorded.
#[async_trait]
pub trait AnalysisQueue: Send + Sync {
    /// Takes jobs that are due, the longest waiting first: pending ones, and running ones whose
    /// lease has ended. No two workers get the same one.
    async fn lease_analyses(&self, request: &LeaseRequest) -> Result<Vec<LeasedJob>>;

    /// Moves the lease's end.
    async fn extend_analysis(&self, job: &LeasedJob, until: Timestamp) -> Result<bool>;

    async fn complete_analysis(&self, job: &LeasedJob, done: &Completion) -> Result<bool>;

    /// Queues the job again for [`AttemptFailure::retry_at`], or fails it.
    async fn fail_analysis(&self, job: &LeasedJob, failure: &AttemptFailure) -> Result<bool>;

    /// Gives the job back unspent, because the worker stops or the branch can't be read right now,
    /// to be taken from `due_at` on. The attempt does not count.
    async fn release_analysis(
        &self,
        job: &LeasedJob,
        now: Timestamp,
        due_at: Timestamp,
    ) -> Result<bool>;

    /// Queues running jobs whose lease has ended. Each is given to one caller alone, who announces
    /// it.
    async fn reset_stuck_analyses(&self, now: Timestamp) -> Result<Vec<Analysis>>;

    /// Fails the jobs that have begun `max_attempts` attempts and are in nobody's hands. Each is
    /// given to one caller alone, who announces it.
    async fn fail_exceeded_analyses(
        &self,
        max_attempts: u32,
        now: Timestamp,
    ) -> Result<Vec<Analysis>>;
}

/// The inner `SELECT` takes the rows' locks on PostgreSQL, passing over those that another worker is
/// taking right now; SQLite has one writer at a time.
fn lease_statement<Engine: Dialect>() -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "UPDATE analyses SET status = 'processing', fence = fence + 1, attempts = attempts + 1, \
             due_at = $2, worker = $3, updated_at = $1, started_at = COALESCE(started_at, $1) \
         WHERE job_id IN (SELECT job_id FROM analyses \
             WHERE status IN ('pending', 'processing') AND due_at <= $1 AND attempts < $4 \
             ORDER BY due_at, job_id LIMIT $5{}) \
         RETURNING job_id, conversation_id, branch_id, run, fence, attempts, custom_prompt, \
             requested_by",
        Engine::SKIP_LOCKED
    ))
}

const LOSE_ATTEMPTS: &str = "\
    UPDATE analysis_attempts SET outcome = 'lost', ended_at = $2 \
    WHERE job_id = $1 AND outcome IS NULL";

const BEGIN_ATTEMPT: &str = "\
    INSERT INTO analysis_attempts (job_id, fence, run, attempt, worker, started_at) \
    VALUES ($1, $2, $3, $4, $5, $6)";

/// What is known of an attempt's cost is kept even when it was given up; its outcome then stands.
const END_ATTEMPT: &str = "\
    UPDATE analysis_attempts SET outcome = COALESCE(outcome, $3), ended_at = $4, \
        error_kind = $5, error = $6, status = $7, model = $8, prompt_tokens = $9, \
        completion_tokens = $10, cost_nanos = $11 \
    WHERE job_id = $1 AND fence = $2";

const EXTEND: &str = "\
    UPDATE analyses SET due_at = $3 \
    WHERE job_id = $1 AND fence = $2 AND status = 'processing'";

const COMPLETE: &str = "\
    UPDATE analyses SET status = 'completed', updated_at = $3, finished_at = $3, worker = NULL, \
        content = $4, data = $5, through_id = $6, model = $7, versions = $8, prompt_tokens = $9, \
        completion_tokens = $10, estimated_tokens = $11, duration_ms = $12, cost_nanos = $13, \
        error_kind = NULL, error = NULL \
    WHERE job_id = $1 AND fence = $2 AND status = 'processing'";

/// Pending again with a time, failed without.
const FAIL: &str = "\
    UPDATE analyses SET status = CASE WHEN CAST($4 AS BIGINT) IS NULL THEN 'failed' ELSE 'pending' END, \
        due_at = COALESCE($4, due_at), updated_at = $3, worker = NULL, \
        finished_at = CASE WHEN CAST($4 AS BIGINT) IS NULL THEN $3 END, error_kind = $5, error = $6 \
    WHERE job_id = $1 AND fence = $2 AND status = 'processing'";

const RELEASE: &str = "\
    UPDATE analyses SET status = 'pending', attempts = attempts - 1, due_at = $4, updated_at = $3, \
        worker = NULL \
    WHERE job_id = $1 AND fence = $2 AND status = 'processing'";

const RESET_STUCK: &str = concat!(
    "UPDATE analyses SET status = 'pending', fence = fence + 1, updated_at = $1, worker = NULL \
     WHERE status = 'processing' AND due_at <= $1 \
     RETURNING ",
    analysis_columns!()
);

/// A worker that vanished during the last attempt leaves such a job. One that waits, because fewer
/// attempts are allowed now, keeps the error of its last one.
const FAIL_EXCEEDED: &str = concat!(
    "UPDATE analyses SET status = 'failed', fence = fence + 1, updated_at = $1, finished_at = $1, \
         worker = NULL, \
         error_kind = CASE WHEN status = 'pending' AND error IS NOT NULL THEN error_kind \
             ELSE 'attempts_exceeded' END, \
         error = CASE WHEN status = 'pending' AND error IS NOT NULL THEN error \
             ELSE 'The worker vanished during the last attempt.' END \
     WHERE attempts >= $2 AND (status = 'pending' OR (status = 'processing' AND due_at <= $1)) \
     RETURNING ",
    analysis_columns!()
);

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
#[async_trait]
impl AnalysisQueue for SqlStore<Engine> {
    async fn lease_analyses(&self, request: &LeaseRequest) -> Result<Vec<LeasedJob>> {
        let mut transaction = self.begin().await?;
        let rows = sql::query_as::<_, LeasedRow>(lease_statement::<Engine>())
            .bind(request.now.as_microsecond())
            .bind(request.until.as_microsecond())
            .bind(&request.worker)
            .bind(i64::from(request.max_attempts))
            .bind(i64::from(request.max_jobs))
            .fetch_all(&mut *transaction)
            .await
            .context("analyses cannot be leased")?;
        let jobs = rows.into_iter().map(LeasedJob::from).collect::<Vec<_>>();
        for job in &jobs {
            Self::begin_attempt(&mut transaction, job, request).await?;
        }
        transaction.commit().await.context("analyses cannot be leased")?;
        Ok(jobs)
    }

    async fn extend_analysis(&self, job: &LeasedJob, until: Timestamp) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let query = sql::query(EXTEND).bind(job.job_id).bind(job.fence);
        let query = query.bind(until.as_microsecond());
        let held = query.execute(&mut *transaction).await.context("a lease cannot be extended")?;
        transaction.commit().await.context("a lease cannot be extended")?;
        Ok(held.rows_affected() > 0)
    }

    async fn complete_analysis(&self, job: &LeasedJob, done: &Completion) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let query = sql::query(COMPLETE)
            .bind(job.job_id)
            .bind(job.fence)
            .bind(done.end.at.as_microsecond())
            .bind(clean(&done.content))
            .bind(done.data.as_ref().map(ToString::to_string))
            .bind(done.through_id.map(|id| id.0))
            .bind(done.end.model.as_deref().map(clean))
            .bind(&done.versions)
            .bind(done.end.prompt_tokens.map(column))
            .bind(done.end.completion_tokens.map(column))
            .bind(column(done.estimated_tokens))
            .bind(column(done.duration_ms))
            .bind(done.end.cost_nanos);
        let held = query.execute(&mut *transaction).await.context("a result cannot be written")?;
        Self::end_attempt(&mut transaction, job, "completed", None, &done.end).await?;
        transaction.commit().await.context("a result cannot be written")?;
        Ok(held.rows_affected() > 0)
    }

    async fn fail_analysis(&self, job: &LeasedJob, failure: &AttemptFailure) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let query = sql::query(FAIL)
            .bind(job.job_id)
            .bind(job.fence)
            .bind(failure.end.at.as_microsecond())
            .bind(failure.retry_at.map(Timestamp::as_microsecond))
            .bind(&failure.kind)
            .bind(clean(&failure.message));
        let held = query.execute(&mut *transaction).await.context("a failure cannot be written")?;
        Self::end_attempt(&mut transaction, job, "failed", Some(failure), &failure.end).await?;
        transaction.commit().await.context("a failure cannot be written")?;
        Ok(held.rows_affected() > 0)
    }

    async fn release_analysis(
        &self,
        job: &LeasedJob,
        now: Timestamp,
        due_at: Timestamp,
    ) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let query = sql::query(RELEASE).bind(job.job_id).bind(job.fence);
        let query = query.bind(now.as_microsecond()).bind(due_at.as_microsecond());
        let held = query.execute(&mut *transaction).await.context("a job cannot be given back")?;
        let end = AttemptEnd { at: now, ..AttemptEnd::default() };
        Self::end_attempt(&mut transaction, job, "released", None, &end).await?;
        transaction.commit().await.context("a job cannot be given back")?;
        Ok(held.rows_affected() > 0)
    }

    async fn reset_stuck_analyses(&self, now: Timestamp) -> Result<Vec<Analysis>> {
        let mut transaction = self.begin().await?;
        let query = sql::query_as::<_, AnalysisRow>(RESET_STUCK).bind(now.as_microsecond());
        let rows = query.fetch_all(&mut *transaction).await.context("jobs cannot be reset")?;
        let jobs = rows.into_iter().map(AnalysisRow::read).collect::<Result<Vec<_>>>()?;
        transaction.commit().await.context("jobs cannot be reset")?;
        Ok(jobs)
    }

    async fn fail_exceeded_analyses(
        &self,
        max_attempts: u32,
        now: Timestamp,
    ) -> Result<Vec<Analysis>> {
        let mut transaction = self.begin().await?;
        let query = sql::query_as::<_, AnalysisRow>(FAIL_EXCEEDED).bind(now.as_microsecond());
        let query = query.bind(i64::from(max_attempts));
        let rows = query.fetch_all(&mut *transaction).await.context("jobs cannot be failed")?;
        let jobs = rows.into_iter().map(AnalysisRow::read).collect::<Result<Vec<_>>>()?;
        for job in &jobs {
            Self::lose_attempts(&mut transaction, job.job_id, now).await?;
        }
        transaction.commit().await.context("jobs cannot be failed")?;
        Ok(jobs)
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// What the worker before left unfinished is lost.
    async fn begin_attempt(
        transaction: &mut Transaction<'static, Engine>,
        job: &LeasedJob,
        request: &LeaseRequest,
    ) -> Result<()> {
        Self::lose_attempts(transaction, job.job_id, request.now).await?;
        let begin = sql::query(BEGIN_ATTEMPT)
            .bind(job.job_id)
            .bind(job.fence)
            .bind(column(job.run))
            .bind(i64::from(job.attempt))
            .bind(&request.worker)
            .bind(request.now.as_microsecond());
        begin.execute(&mut **transaction).await.context("an attempt cannot be begun")?;
        Ok(())
    }

    async fn lose_attempts(
        transaction: &mut Transaction<'static, Engine>,
        job_id: Uuid,
        now: Timestamp,
    ) -> Result<()> {
        let lose = sql::query(LOSE_ATTEMPTS).bind(job_id).bind(now.as_microsecond());
        lose.execute(&mut **transaction).await.context("an attempt cannot be given up")?;
        Ok(())
    }

    async fn end_attempt(
        transaction: &mut Transaction<'static, Engine>,
        job: &LeasedJob,
        outcome: &str,
        failure: Option<&AttemptFailure>,
        end: &AttemptEnd,
    ) -> Result<()> {
        let query = sql::query(END_ATTEMPT)
            .bind(job.job_id)
            .bind(job.fence)
            .bind(outcome)
            .bind(end.at.as_microsecond())
            .bind(failure.map(|failure| failure.kind.as_str()))
            .bind(failure.map(|failure| clean(&failure.message)))
            .bind(failure.and_then(|failure| failure.status).map(i64::from))
            .bind(end.model.as_deref().map(clean))
            .bind(end.prompt_tokens.map(column))
            .bind(end.completion_tokens.map(column))
            .bind(end.cost_nanos);
        query.execute(&mut **transaction).await.context("an attempt cannot be ended")?;
        Ok(())
    }
}
