//! Looking at analyses.

use std::{fmt, str::FromStr};

use async_trait::async_trait;
use duplicate::duplicate_item;
use jiff::Timestamp;
use sqlx::{Postgres, Sqlite};
use uuid::Uuid;

use super::{
    filter::AnalysisFilter,
    job::{Analysis, Attempt, Branch, JobStatus},
    row::{AnalysisRow, AttemptRow, analysis_columns, count},
};
use crate::{
    engine::SqlStore,
    error::{Context, Result},
    sql::{self, QueryBuilder},
};

/// Reads jobs.
#[async_trait]
pub trait AnalysisReads: Send + Sync {
    /// The job of a branch, also when the conversation had another id when it was asked for.
    async fn find_analysis(&self, branch: &Branch) -> Result<Option<Analysis>>;

    /// The job of that id.
    async fn find_analysis_job(&self, job_id: Uuid) -> Result<Option<Analysis>>;

    /// The jobs of the filter, newest request first, behind `after`; without their results, `content`
    /// and `data`.
    async fn list_analyses(
        &self,
        filter: &AnalysisFilter,
        after: Option<AnalysisCursor>,
        limit: u32,
    ) -> Result<Vec<Analysis>>;

    /// Those of the filter in each status, whichever status it asks for.
    async fn count_analyses(&self, filter: &AnalysisFilter) -> Result<AnalysisCounts>;

    /// Every attempt of a job, oldest first: its error history.
    async fn list_attempts(&self, job_id: Uuid) -> Result<Vec<Attempt>>;

    /// Tokens, of prompts and answers, that attempts begun since then have cost so far.
    async fn count_tokens_since(&self, since: Timestamp) -> Result<u64>;
}

/// How many jobs there are in each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnalysisCounts {
    pub pending: u64,
    pub processing: u64,
    pub completed: u64,
    pub failed: u64,
}

/// Where a page of jobs ended; as text, `<microseconds>.<job id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnalysisCursor {
    pub requested_at: Timestamp,
    pub job_id: Uuid,
}

impl From<&Analysis> for AnalysisCursor {
    fn from(last: &Analysis) -> Self {
        Self { requested_at: last.requested_at, job_id: last.job_id }
    }
}

impl fmt::Display for AnalysisCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.requested_at.as_microsecond(), self.job_id)
    }
}

impl FromStr for AnalysisCursor {
    /// The text is no cursor.
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (micros, job_id) = text.split_once('.').ok_or(())?;
        let micros =
            micros.parse().ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
        let job_id = Uuid::parse_str(job_id).ok();
        micros.zip(job_id).map(|(requested_at, job_id)| Self { requested_at, job_id }).ok_or(())
    }
}

/// The job under this id of the conversation before one under a former id.
const FIND: &str = concat!(
    "SELECT ",
    analysis_columns!(),
    " FROM analyses \
     WHERE branch_id = $2 AND (conversation_id = $1 OR conversation_id IN \
         (SELECT exchange_id FROM exchanges WHERE conversation_id = $1)) \
     ORDER BY conversation_id <> $1, requested_at DESC LIMIT 1"
);

const FIND_JOB: &str = concat!("SELECT ", analysis_columns!(), " FROM analyses WHERE job_id = $1");

const LIST: &str = concat!(
    "SELECT ",
    analysis_columns!("CAST(NULL AS TEXT) AS content, CAST(NULL AS TEXT) AS data"),
    " FROM analyses a WHERE (a.requested_at, a.job_id) < ("
);

const COUNT: &str = "SELECT a.status, COUNT(*) FROM analyses a WHERE 1 = 1";

const ATTEMPTS: &str = "\
    SELECT run, attempt, worker, started_at, ended_at, outcome, error_kind, error, status, model, \
        prompt_tokens, completion_tokens, cost_nanos \
    FROM analysis_attempts WHERE job_id = $1 ORDER BY fence";

const TOKENS_SINCE: &str = "\
    SELECT CAST(COALESCE(SUM(COALESCE(prompt_tokens, 0) + COALESCE(completion_tokens, 0)), 0) AS BIGINT) \
    FROM analysis_attempts WHERE started_at >= $1";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
#[async_trait]
impl AnalysisReads for SqlStore<Engine> {
    async fn find_analysis(&self, branch: &Branch) -> Result<Option<Analysis>> {
        let query = sql::query_as::<_, AnalysisRow>(FIND).bind(branch.conversation_id.0);
        let row = query.bind(&branch.branch_id).fetch_optional(self.read()).await;
        row.context("an analysis cannot be read")?.map(AnalysisRow::read).transpose()
    }

    async fn find_analysis_job(&self, job_id: Uuid) -> Result<Option<Analysis>> {
        let query = sql::query_as::<_, AnalysisRow>(FIND_JOB).bind(job_id);
        let row = query.fetch_optional(self.read()).await;
        row.context("an analysis cannot be read")?.map(AnalysisRow::read).transpose()
    }

    async fn list_analyses(
        &self,
        filter: &AnalysisFilter,
        after: Option<AnalysisCursor>,
        limit: u32,
    ) -> Result<Vec<Analysis>> {
        let mut query = QueryBuilder::<Engine>::new(LIST);
        query.push_bind(after.map_or(i64::MAX, |after| after.requested_at.as_microsecond()));
        query.push(", ").push_bind(after.map_or(Uuid::max(), |after| after.job_id)).push(")");
        Self::push_analysis_filter(&mut query, filter);
        query.push(" ORDER BY a.requested_at DESC, a.job_id DESC LIMIT ");
        query.push_bind(i64::from(limit));
        let rows = query.build_query_as::<AnalysisRow>().fetch_all(self.read()).await;
        let rows = rows.context("analyses cannot be listed")?;
        rows.into_iter().map(AnalysisRow::read).collect()
    }

    async fn count_analyses(&self, filter: &AnalysisFilter) -> Result<AnalysisCounts> {
        let mut query = QueryBuilder::<Engine>::new(COUNT);
        let filter = AnalysisFilter { status: None, ..filter.clone() };
        Self::push_analysis_filter(&mut query, &filter);
        query.push(" GROUP BY a.status");
        let rows = query.build_query_as::<(String, i64)>().fetch_all(self.read()).await;
        let rows = rows.context("analyses cannot be counted")?;
        let of = |status: JobStatus| {
            rows.iter()
                .find(|(name, _)| name == status.as_str())
                .map_or(0, |(_, rows)| count(*rows))
        };
        Ok(AnalysisCounts {
            pending: of(JobStatus::Pending),
            processing: of(JobStatus::Processing),
            completed: of(JobStatus::Completed),
            failed: of(JobStatus::Failed),
        })
    }

    async fn list_attempts(&self, job_id: Uuid) -> Result<Vec<Attempt>> {
        let query = sql::query_as::<_, AttemptRow>(ATTEMPTS).bind(job_id);
        let rows = query.fetch_all(self.read()).await.context("attempts cannot be listed")?;
        rows.into_iter().map(AttemptRow::read).collect()
    }

    async fn count_tokens_since(&self, since: Timestamp) -> Result<u64> {
        let query = sql::query_scalar::<_, i64>(TOKENS_SINCE).bind(since.as_microsecond());
        let tokens = query.fetch_one(self.read()).await;
        tokens.map(count).context("tokens cannot be counted")
    }
}
