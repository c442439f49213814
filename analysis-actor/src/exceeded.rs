//! Ends the jobs that have no attempt left and are in nobody's hands.

use nexus_store::{
    StoreError,
    analyses::{Analysis, Branch},
};

use crate::{
    announce::{Announcer, Subject},
    deps::AnalysisDeps,
};

/// Fails the jobs that have begun `max_attempts` attempts and that no worker holds, and announces
/// each of them. `by` is the worker or command that does it.
///
/// # Errors
/// When the store does not answer; no job has failed then.
pub async fn fail_exceeded(
    deps: &AnalysisDeps,
    by: &str,
    max_attempts: u32,
) -> Result<Vec<Analysis>, StoreError> {
    let failed = deps.store.fail_exceeded_analyses(max_attempts, deps.clock.now()).await?;
    let announcer = Announcer { deps: deps.clone(), by: by.to_owned() };
    for job in &failed {
        let reason = job.error.as_deref().unwrap_or_default();
        tracing::warn!(job = %job.job_id, reason, "an analysis that nobody works on has failed");
        let domain = domain_of(deps, &job.branch).await;
        announcer.failed(&domain, Subject::from(job), reason).await;
    }
    Ok(failed)
}

/// Empty when it cannot be found out: a failure is told all the same. The branch is not read, for
/// that may be what the worker before did not survive.
async fn domain_of(deps: &AnalysisDeps, branch: &Branch) -> String {
    match deps.branches.find_domain(branch).await {
        Ok(domain) => domain.unwrap_or_default(),
        Err(error) => {
            tracing::warn!(%error, "the domain of an analysis cannot be read");
            String::new()
        }
    }
}
