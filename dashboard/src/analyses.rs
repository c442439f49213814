//! Asking for analyses and reading them, for the API and the pages alike: limits, audit, waking the
//! workers.

mod queued;
mod refused;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use nexus_store::analyses::{
    Analysis, AnalysisCursor, AnalysisFilter, AuditAction, AuditEntry, Branch, JobStatus,
    NewAnalysis, Requested,
};

pub use self::{queued::announce_queued, refused::write_down as write_down_refusal};
use crate::{deps::Dashboard, error::PageError};

/// A custom prompt's length at most, in bytes.
pub const MAX_PROMPT: usize = 8_000;
/// Visitors that are counted at once.
const MAX_COUNTED: usize = 10_000;
const MINUTE: i64 = 60;
/// Why the audit log says that something was refused.
const TOO_MANY: &str = "too many in a minute";

/// How many calls a visitor may make in a minute.
#[derive(Debug)]
pub struct MinuteLimit {
    per_minute: u32,
    /// The minute that is counted, and each visitor's calls in it.
    counts: Mutex<(i64, HashMap<String, u32>)>,
}

impl MinuteLimit {
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, counts: Mutex::default() }
    }

    /// Counts one call; `Err` with the time to wait when it is one too many.
    pub fn take(&self, who: &str, now: Timestamp) -> Result<(), Duration> {
        let minute = now.as_second().div_euclid(MINUTE);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.0 != minute {
            *counts = (minute, HashMap::new());
        }
        let is_new = !counts.1.contains_key(who);
        let is_full = is_new && counts.1.len() >= MAX_COUNTED;
        let calls = counts.1.get(who).copied().unwrap_or_default();
        if is_full || calls >= self.per_minute {
            let left = MINUTE - now.as_second().rem_euclid(MINUTE);
            return Err(Duration::from_secs(left.unsigned_abs()));
        }
        counts.1.insert(who.to_owned(), calls + 1);
        Ok(())
    }
}

/// A page of the list, and where the next one begins when there is one.
pub async fn list(
    dashboard: &Dashboard,
    filter: &AnalysisFilter,
    after: Option<AnalysisCursor>,
    limit: u32,
) -> Result<(Vec<Analysis>, Option<AnalysisCursor>), PageError> {
    // One more than asked for tells whether the list goes on.
    let mut jobs = dashboard.deps.analyses.list_analyses(filter, after, limit + 1).await?;
    let goes_on = jobs.len() > limit as usize;
    jobs.truncate(limit as usize);
    let next = jobs.last().filter(|_| goes_on).map(AnalysisCursor::from);
    Ok((jobs, next))
}

/// Asks for an analysis, or for a new run of one. `None` when there is none to run again.
pub async fn ask(
    dashboard: &Dashboard,
    who: &str,
    branch: Branch,
    custom_prompt: Option<&str>,
    again: bool,
) -> Result<Option<Requested>, PageError> {
    let now = dashboard.deps.clock.now();
    if let Err(wait) = dashboard.creations.take(who, now) {
        audit(dashboard, who, AuditAction::Refused, &branch, Some(TOO_MANY)).await;
        return Err(PageError::TooMany(wait));
    }
    let custom = custom_prompt.map(str::trim).filter(|prompt| !prompt.is_empty());
    if custom.is_some_and(|prompt| prompt.len() > MAX_PROMPT) {
        audit(dashboard, who, AuditAction::Refused, &branch, Some("its prompt is too long")).await;
        return Err(PageError::BadRequest(format!("a prompt has at most {MAX_PROMPT} bytes")));
    }
    let new = NewAnalysis {
        branch,
        custom_prompt: custom.map(crate::api::clean),
        requested_by: who.to_owned(),
        at: now,
    };
    let store = &dashboard.deps.analyses;
    let requested = if again {
        store.regenerate_analysis(&new).await?.map(Requested::Requeued)
    } else {
        Some(store.request_analysis(&new).await?)
    };
    let (action, detail) = what_became(requested.as_ref(), again);
    audit(dashboard, who, action, &new.branch, detail).await;
    if let Some(job) = requested.as_ref().and_then(waiting) {
        wake(dashboard, job, now).await;
    }
    Ok(requested)
}

/// The job, when it waits for a worker. One that waited before is announced anew: whoever put it into
/// the queue may not have reached the workers.
fn waiting(requested: &Requested) -> Option<&Analysis> {
    let (Requested::Created(job) | Requested::Requeued(job) | Requested::Existing(job)) = requested;
    (job.status == JobStatus::Pending).then_some(job)
}

/// Writes down that somebody asked for an analysis of what isn't there.
pub async fn refuse_unknown(dashboard: &Dashboard, who: &str, branch: &Branch) {
    audit(dashboard, who, AuditAction::Refused, branch, Some("there is no such branch")).await;
}

/// A request in the audit log.
fn what_became(requested: Option<&Requested>, again: bool) -> (AuditAction, Option<&'static str>) {
    match requested {
        None => (AuditAction::Refused, Some("there is none to run again")),
        Some(_) if again => (AuditAction::Regenerated, None),
        Some(Requested::Created(_)) => (AuditAction::Requested, None),
        Some(Requested::Requeued(_)) => (AuditAction::Requested, Some("it had failed")),
        Some(Requested::Existing(_)) => (AuditAction::Requested, Some("there is one already")),
    }
}

/// The analysis of a branch, if there is one.
pub async fn find(
    dashboard: &Dashboard,
    who: &str,
    branch: &Branch,
) -> Result<Option<Analysis>, PageError> {
    count_retrieval(dashboard, who, branch).await?;
    read(dashboard, who, branch).await
}

/// The same where the retrieval is [counted](count_retrieval) already.
pub async fn read(
    dashboard: &Dashboard,
    who: &str,
    branch: &Branch,
) -> Result<Option<Analysis>, PageError> {
    let found = dashboard.deps.analyses.find_analysis(branch).await?;
    if found.is_some() {
        audit(dashboard, who, AuditAction::Retrieved, branch, None).await;
    }
    Ok(found)
}

/// The same for a page that follows a job: its steps are for free, its end is a retrieval.
pub async fn follow(
    dashboard: &Dashboard,
    who: &str,
    branch: &Branch,
) -> Result<Option<Analysis>, PageError> {
    let found = dashboard.deps.analyses.find_analysis(branch).await?;
    let ends = [JobStatus::Completed, JobStatus::Failed];
    if found.as_ref().is_some_and(|job| ends.contains(&job.status)) {
        count_retrieval(dashboard, who, branch).await?;
        audit(dashboard, who, AuditAction::Retrieved, branch, None).await;
    }
    Ok(found)
}

/// Counts a retrieval; an error when it is one too many.
pub async fn count_retrieval(
    dashboard: &Dashboard,
    who: &str,
    branch: &Branch,
) -> Result<(), PageError> {
    let Err(wait) = dashboard.retrievals.take(who, dashboard.deps.clock.now()) else {
        return Ok(());
    };
    audit(dashboard, who, AuditAction::Refused, branch, Some(TOO_MANY)).await;
    Err(PageError::TooMany(wait))
}

async fn audit(
    dashboard: &Dashboard,
    who: &str,
    action: AuditAction,
    branch: &Branch,
    detail: Option<&str>,
) {
    let entry = AuditEntry {
        at: dashboard.deps.clock.now(),
        actor: who.to_owned(),
        action,
        branch: branch.clone(),
        detail: detail.map(str::to_owned),
    };
    if let Err(error) = dashboard.deps.analyses.write_audit(&entry).await {
        tracing::error!(%error, "the audit log cannot be written");
    }
}

/// Tells open pages and the workers.
async fn wake(dashboard: &Dashboard, job: &Analysis, now: Timestamp) {
    let (deps, jobs) = (&dashboard.deps, std::slice::from_ref(job));
    let told = announce_queued("dashboard", jobs, now, deps.stream.as_ref(), deps.live.as_ref());
    if let Err(error) = told.await {
        tracing::warn!(%error, "the workers are not woken; they find the job by themselves");
    }
}

#[cfg(test)]
mod tests;
