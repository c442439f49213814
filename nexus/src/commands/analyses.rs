//! `nexus analyses`: analysis jobs.

pub mod check;

use std::sync::Arc;

use nexus_contract::{Clock, ExchangeId, SystemClock};
use nexus_store::{
    Store,
    analyses::{Analysis, AuditAction, AuditEntry, Branch, JobStatus, NewAnalysis, Requested},
};
use serde_json::{Value, json};

use crate::{
    cli::AnalysesCommand,
    output::{Output, table},
    roles::fail_exceeded,
    settings::Settings,
};

/// Who asks, in jobs and in the audit log.
const ACTOR: &str = "nexus analyses";

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
        AnalysesCommand::Show { conversation_id, branch_id } => {
            show(&conversation_id, branch_id, store.as_ref(), output).await
        }
        AnalysesCommand::Retry { conversation_id, branch_id } => {
            retry(&conversation_id, branch_id, store.as_ref(), output).await
        }
        AnalysesCommand::ResetStuck => {
            let count = store.reset_stuck_analyses(SystemClock.now()).await?;
            output.print(&json!({"reset": count}), |_| format!("{count} jobs are queued again"))
        }
        AnalysesCommand::FailExceeded => {
            let count = fail_exceeded(settings, store, ACTOR).await?;
            output.print(&json!({"failed": count}), |_| format!("{count} jobs failed"))
        }
        AnalysesCommand::CheckConfig => unreachable!("taken before the store was opened"),
    }
}

async fn list(
    status: Option<JobStatus>,
    limit: u32,
    store: &dyn Store,
    output: Output,
) -> anyhow::Result<()> {
    let jobs = store.list_analyses(status, None, limit).await?;
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

async fn show(
    conversation: &str,
    branch_id: String,
    store: &dyn Store,
    output: Output,
) -> anyhow::Result<()> {
    let branch = Branch { conversation_id: ExchangeId::from_external(conversation), branch_id };
    let job = store
        .find_analysis(&branch)
        .await?
        .ok_or_else(|| anyhow::anyhow!("there is no analysis of that branch"))?;
    audit(store, AuditAction::Retrieved, &branch, None).await?;
    let attempts = store.list_attempts(job.job_id).await?;
    let mut data = shown(&job);
    data["content"] = json!(job.content);
    data["attempts"] = serde_json::to_value(&attempts)?;
    output.print(&data, |data| {
        let content = job.content.as_deref().unwrap_or("(no result)");
        format!("{}: {content}\n\n{:#}", job.status.as_str(), data["attempts"])
    })
}

/// Queues it in the store; workers find it there at their next look.
async fn retry(
    conversation: &str,
    branch_id: String,
    store: &dyn Store,
    output: Output,
) -> anyhow::Result<()> {
    let branch = Branch { conversation_id: ExchangeId::from_external(conversation), branch_id };
    let failed = store
        .find_analysis(&branch)
        .await?
        .ok_or_else(|| anyhow::anyhow!("there is no analysis of that branch"))?;
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
    output.print(&shown(&job), |_| "it is queued again".to_owned())
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
