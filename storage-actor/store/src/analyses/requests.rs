//! Asking for analyses.

use async_trait::async_trait;
use duplicate::duplicate_item;
use jiff::Timestamp;
use sqlx::{Postgres, Sqlite, Transaction};
use uuid::Uuid;

use super::{
    job::{Analysis, Branch, Requested},
    row::{AnalysisRow, analysis_columns},
};
use crate::{
    engine::SqlStore,
    error::{Context, Result},
    exchanges::merge::clean,
    sql,
};

/// Asks for analyses.
#[async_trait]
pub trait AnalysisRequests: Send + Sync {
    /// Makes a pending job when the branch has none, queues a failed one again with a fresh count of
    /// attempts, and leaves any other as it is.
    async fn request_analysis(&self, new: &NewAnalysis) -> Result<Requested>;

    /// Starts a new run, whatever became of the last; one that is running is cancelled. `None` when
    /// the branch has no job.
    async fn regenerate_analysis(&self, new: &NewAnalysis) -> Result<Option<Analysis>>;
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct NewAnalysis {
    pub branch: Branch,
    /// Added to the task; none takes away that of the run before.
    pub custom_prompt: Option<String>,
    /// The dashboard's user or key.
    pub requested_by: String,
    pub at: Timestamp,
}

/// The job of a branch; the one under a former id of the conversation, whose root a late parent has
/// adopted since, when there is none under this id.
const FIND_JOB: &str = "\
    SELECT job_id FROM analyses \
    WHERE branch_id = $2 AND (conversation_id = $1 OR conversation_id IN \
        (SELECT exchange_id FROM exchanges WHERE conversation_id = $1)) \
    ORDER BY conversation_id <> $1, requested_at DESC LIMIT 1";

/// Two requests at once: the second one finds the row of the first.
const INSERT: &str = concat!(
    "INSERT INTO analyses (job_id, conversation_id, branch_id, status, run, fence, attempts, due_at, \
         custom_prompt, requested_by, requested_at, updated_at) \
     VALUES ($1, $2, $3, 'pending', 1, 0, 0, $4, $5, $6, $4, $4) \
     ON CONFLICT DO NOTHING RETURNING ",
    analysis_columns!()
);

/// A new run. The fence shuts out a worker that is still at the old one.
const REQUEUE: &str = concat!(
    "UPDATE analyses SET status = 'pending', run = run + 1, fence = fence + 1, attempts = 0, \
         due_at = $2, custom_prompt = $3, requested_by = $4, requested_at = $2, updated_at = $2, \
         worker = NULL, started_at = NULL, finished_at = NULL, content = NULL, data = NULL, \
         through_id = NULL, model = NULL, versions = NULL, prompt_tokens = NULL, \
         completion_tokens = NULL, estimated_tokens = NULL, duration_ms = NULL, cost_nanos = NULL, \
         error_kind = NULL, error = NULL \
     WHERE job_id = $1 AND (status = 'failed' OR $5) RETURNING ",
    analysis_columns!()
);

const CANCEL_ATTEMPTS: &str = "\
    UPDATE analysis_attempts SET outcome = 'cancelled', ended_at = $2 \
    WHERE job_id = $1 AND outcome IS NULL";

const SELECT: &str = concat!("SELECT ", analysis_columns!(), " FROM analyses WHERE job_id = $1");

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
#[async_trait]
impl AnalysisRequests for SqlStore<Engine> {
    async fn request_analysis(&self, new: &NewAnalysis) -> Result<Requested> {
        let mut transaction = self.begin().await?;
        let existing = match Self::find_job(&mut transaction, &new.branch).await? {
            Some(job_id) => Some(job_id),
            None => match Self::insert_job(&mut transaction, new).await? {
                Some(created) => {
                    transaction.commit().await.context("the analysis cannot be queued")?;
                    return Ok(Requested::Created(created));
                }
                None => None,
            },
        };
        let job_id = existing.unwrap_or_else(|| new.branch.job_id());
        let requested = match Self::requeue_job(&mut transaction, job_id, new, false).await? {
            Some(requeued) => Requested::Requeued(requeued),
            None => Requested::Existing(Self::get_job(&mut transaction, job_id).await?),
        };
        transaction.commit().await.context("the analysis cannot be queued")?;
        Ok(requested)
    }

    async fn regenerate_analysis(&self, new: &NewAnalysis) -> Result<Option<Analysis>> {
        let mut transaction = self.begin().await?;
        let Some(job_id) = Self::find_job(&mut transaction, &new.branch).await? else {
            return Ok(None);
        };
        let analysis = Self::requeue_job(&mut transaction, job_id, new, true).await?;
        transaction.commit().await.context("the analysis cannot be queued again")?;
        Ok(analysis)
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    async fn find_job(
        transaction: &mut Transaction<'static, Engine>,
        branch: &Branch,
    ) -> Result<Option<Uuid>> {
        let query = sql::query_scalar(FIND_JOB).bind(branch.conversation_id.0);
        let found = query.bind(&branch.branch_id).fetch_optional(&mut **transaction).await;
        found.context("an analysis cannot be looked up")
    }

    async fn get_job(
        transaction: &mut Transaction<'static, Engine>,
        job_id: Uuid,
    ) -> Result<Analysis> {
        let query = sql::query_as::<_, AnalysisRow>(SELECT).bind(job_id);
        let row = query.fetch_one(&mut **transaction).await;
        row.context("an analysis cannot be read")?.read()
    }

    async fn insert_job(
        transaction: &mut Transaction<'static, Engine>,
        new: &NewAnalysis,
    ) -> Result<Option<Analysis>> {
        let query = sql::query_as::<_, AnalysisRow>(INSERT)
            .bind(new.branch.job_id())
            .bind(new.branch.conversation_id.0)
            .bind(&new.branch.branch_id)
            .bind(new.at.as_microsecond())
            .bind(new.custom_prompt.as_deref().map(clean))
            .bind(&new.requested_by);
        let row = query.fetch_optional(&mut **transaction).await;
        row.context("an analysis cannot be written")?.map(AnalysisRow::read).transpose()
    }

    /// `None` when the job has not failed and is not to be started anew `anyhow`.
    async fn requeue_job(
        transaction: &mut Transaction<'static, Engine>,
        job_id: Uuid,
        new: &NewAnalysis,
        anyhow: bool,
    ) -> Result<Option<Analysis>> {
        let query = sql::query_as::<_, AnalysisRow>(REQUEUE)
            .bind(job_id)
            .bind(new.at.as_microsecond())
            .bind(new.custom_prompt.as_deref().map(clean))
            .bind(&new.requested_by)
            .bind(anyhow);
        let row = query.fetch_optional(&mut **transaction).await;
        let Some(row) = row.context("an analysis cannot be queued again")? else { return Ok(None) };
        let cancel = sql::query(CANCEL_ATTEMPTS).bind(job_id).bind(new.at.as_microsecond());
        cancel.execute(&mut **transaction).await.context("an attempt cannot be cancelled")?;
        row.read().map(Some)
    }
}
