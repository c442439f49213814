//! `nexus analyses`: analysis jobs.

pub mod check;
mod wake;

use std::sync::Arc;

use anyhow::Context;
use nexus_contract::{Clock, ExchangeId, SystemClock};
use nexus_store::{
    Store,
    analyses::{
        Analysis, AnalysisFilter, AuditAction, AuditEntry, Branch, JobStatus, NewAnalysis,
        Requested,
    },
};
use serde_json::{Value, json};

use crate::{
    cli::{AnalysesCommand, JobArgs},
    output::{Output, table},
    roles::fail_exceeded,
    settings::Settings,
};

/// Who asks, in jobs and in the audit log.
const ACTOR: &str = "nexus analyses";
const MISSING: &str = "there is no analysis of that branch";

pub async fn run(
    command: AnalysesCommand,
    store: &Arc<dyn Store>,
    settings: &Settings,
    output: Output,
) -> anyhow::Result<()> {
    match command {
        AnalysesCommand::List { status, limit } => {
            list(status, limit, store.as_ref(), output).await
        }
        AnalysesCommand::Show(job) => {
            let branch = branch(job, store.as_ref()).await?;
            show(&branch, store.as_ref(), output).await
        }
        AnalysesCommand::Retry(job) => {
            let branch = branch(job, store.as_ref()).await?;
            let job = retry(branch, store.as_ref()).await?;
            wake::workers(std::slice::from_ref(&job), settings).await;
            output.print(&shown(&job), |_| "it is queued again".to_owned())
        }
        AnalysesCommand::ResetStuck => {
            let reset = store.reset_stuck_analyses(SystemClock.now()).await?;
            wake::workers(&reset, settings).await;
            let count = reset.len();
            output.print(&json!({"reset": count}), |_| format!("{count} queued again"))
        }
        AnalysesCommand::FailExceeded => {
            let count = fail_exceeded(settings, store, ACTOR).await?;
            output.print(&json!({"failed": count}), |_| format!("{count} jobs failed"))
        }
        AnalysesCommand::CheckConfig => unreachable!("taken before the store was opened"),
    }
}

/// The branch, by the id of its conversation or of any exchange in it, as the data API takes it.
async fn branch(job: JobArgs, store: &dyn Store) -> anyhow::Result<Branch> {
    let named = ExchangeId::from_external(&job.conversation_id);
    let found = store.find_conversation(named).await?;
    let conversation_id = found.map_or(named, |found| found.conversation_id);
    Ok(Branch { conversation_id, branch_id: job.branch_id })
}

async fn list(
    status: Option<JobStatus>,
    limit: u32,
    store: &dyn Store,
    output: Output,
) -> anyhow::Result<()> {
    let filter = AnalysisFilter { status, ..AnalysisFilter::default() };
    let jobs = store.list_analyses(&filter, None, limit).await?;
    let rows: Vec<Value> = jobs.iter().map(shown).collect();
    output.print(&rows, |_| listed(&jobs))
}

fn listed(jobs: &[Analysis]) -> String {
    if jobs.is_empty() {
        return "no analyses\n".into();
    }
    let rows: Vec<Vec<String>> = jobs
        .iter()
        .map(|job| {
            vec![
                job.branch.conversation_id.to_string(),
                job.branch.branch_id.clone(),
                job.status.as_str().to_owned(),
                job.requested_at.to_string(),
                job.error.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table(&["conversation", "branch", "status", "requested", "error"], &rows)
}

fn shown(job: &Analysis) -> Value {
    json!({
        "jobId": job.job_id, "conversationId": job.branch.conversation_id,
        "branchId": job.branch.branch_id, "status": job.status.as_str(),
        "requestedAt": job.requested_at, "error": job.error, "model": job.model,
    })
}

async fn show(branch: &Branch, store: &dyn Store, output: Output) -> anyhow::Result<()> {
    let job = store.find_analysis(branch).await?.context(MISSING)?;
    audit(store, AuditAction::Retrieved, branch, None).await?;
    let attempts = store.list_attempts(job.job_id).await?;
    let mut data = shown(&job);
    data["content"] = json!(job.content);
    data["attempts"] = serde_json::to_value(&attempts)?;
    output.print(&data, |data| {
        let content = job.content.as_deref().unwrap_or("(no result)");
        format!("{}: {content}\n\n{:#}", job.status.as_str(), data["attempts"])
    })
}

/// Queues the job again, as it was asked for. What is refused is in the audit log, as it is when the
/// data API refuses it.
async fn retry(branch: Branch, store: &dyn Store) -> anyhow::Result<Analysis> {
    let Some(failed) = store.find_analysis(&branch).await? else {
        audit(store, AuditAction::Refused, &branch, Some(MISSING.to_owned())).await?;
        anyhow::bail!(MISSING);
    };
    let new = NewAnalysis {
        branch,
        custom_prompt: failed.custom_prompt,
        requested_by: ACTOR.to_owned(),
        at: SystemClock.now(),
    };
    let job = match store.request_analysis(&new).await? {
        Requested::Created(job) | Requested::Requeued(job) => job,
        Requested::Existing(job) => {
            let status = job.status.as_str();
            let detail = Some(format!("it is {status}"));
            audit(store, AuditAction::Refused, &new.branch, detail).await?;
            anyhow::bail!("it is {status}, only a failed one can be queued again")
        }
    };
    audit(store, AuditAction::Requested, &new.branch, None).await?;
    Ok(job)
}

async fn audit(
    store: &dyn Store,
    action: AuditAction,
    branch: &Branch,
    detail: Option<String>,
) -> anyhow::Result<()> {
    let at = SystemClock.now();
    let entry = AuditEntry { at, actor: ACTOR.into(), action, branch: branch.clone(), detail };
    Ok(store.write_audit(&entry).await?)
}
