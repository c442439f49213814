//! Analyses: listed, asked for, read, run again.

use std::str::FromStr;

use actix_web::{
    HttpResponse,
    web::{Bytes, Data, Json, Path, ReqData},
};
use nexus_contract::ExchangeId;
use nexus_store::{
    analyses::{Analysis, AnalysisCursor, AnalysisFilter, Branch, JobStatus, Requested},
    queries::{ConversationGraph, Paging},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer::{Answer, clean, extend, id},
    params::Params,
};
use crate::{analyses, deps::Dashboard, error::PageError, security::Visitor};

/// Characters of the name of a branch that may not exist.
const MAX_NAME: usize = 200;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wanted {
    conversation_id: String,
    branch_id: String,
    custom_prompt: Option<String>,
}

impl Wanted {
    /// As the audit log names what is not there.
    pub fn named(&self) -> Branch {
        named_branch(&self.conversation_id, &self.branch_id)
    }
}

/// A branch that may not exist, by names that may be of any length.
pub fn named_branch(conversation: &str, branch: &str) -> Branch {
    let branch_id = clean(branch).chars().take(MAX_NAME).collect();
    Branch { conversation_id: id(conversation), branch_id }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Again {
    custom_prompt: Option<String>,
}

/// `GET /api/analyses`: what became of the jobs, without their results.
pub async fn list(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let filter = filter(&params)?;
    let limit = params.number("limit", 1..=Paging::MAX, Paging::USUAL)?;
    let after = params.read("cursor", "a cursor that this API gave", |text| {
        AnalysisCursor::from_str(text).ok()
    })?;
    let (jobs, next) = analyses::list(&dashboard, &filter, after, limit).await?;
    let next = next.map(|next| next.to_string());
    let jobs: Vec<_> = jobs.iter().map(summary).collect();
    Ok(HttpResponse::Ok().json(json!({"analyses": jobs, "nextCursor": next})))
}

fn filter(params: &Params) -> Result<AnalysisFilter, PageError> {
    Ok(AnalysisFilter {
        status: params.read(
            "status",
            "pending, processing, completed or failed",
            JobStatus::parse,
        )?,
        domain: params.text("domain").map(str::to_ascii_lowercase),
        account_id: params.owned("accountId"),
        from: params.instant("from")?,
        to: params.instant("to")?,
    })
}

/// `POST /api/analyses`
pub async fn create(
    dashboard: Data<Dashboard>,
    visitor: ReqData<Visitor>,
    wanted: Json<Wanted>,
) -> Answer {
    let found = existing(&dashboard, &wanted.conversation_id, &wanted.branch_id).await;
    if matches!(found, Err(PageError::NotFound(_))) {
        analyses::refuse_unknown(&dashboard, &visitor.name(), &wanted.named()).await;
    }
    let branch = found?;
    let prompt = wanted.custom_prompt.as_deref();
    let requested = analyses::ask(&dashboard, &visitor.name(), branch, prompt, false).await?;
    Ok(match requested.ok_or_else(missing)? {
        Requested::Created(job) => HttpResponse::Created().json(shown(&job)),
        Requested::Requeued(job) | Requested::Existing(job) => HttpResponse::Ok().json(shown(&job)),
    })
}

/// `GET /api/analyses/{conversation}/{branch}`
pub async fn one(
    dashboard: Data<Dashboard>,
    visitor: ReqData<Visitor>,
    place: Path<(String, String)>,
) -> Answer {
    let (who, named) = (visitor.name(), named_branch(&place.0, &place.1));
    // Before the store is asked for anything.
    analyses::count_retrieval(&dashboard, &who, &named).await?;
    let branch = present(&dashboard, named).await?;
    let found = analyses::read(&dashboard, &who, &branch).await?;
    Ok(HttpResponse::Ok().json(shown(&found.ok_or_else(missing)?)))
}

/// `POST /api/analyses/{conversation}/{branch}/regenerate`
pub async fn regenerate(
    dashboard: Data<Dashboard>,
    visitor: ReqData<Visitor>,
    place: Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let again = if body.is_empty() { Again::default() } else { read(&body)? };
    let prompt = again.custom_prompt.as_deref();
    let branch = present(&dashboard, named_branch(&place.0, &place.1)).await?;
    let requested = analyses::ask(&dashboard, &visitor.name(), branch, prompt, true).await?;
    match requested.ok_or_else(missing)? {
        Requested::Created(job) | Requested::Requeued(job) | Requested::Existing(job) => {
            Ok(HttpResponse::Ok().json(shown(&job)))
        }
    }
}

fn read(body: &[u8]) -> Result<Again, PageError> {
    serde_json::from_slice(body)
        .map_err(|error| PageError::BadRequest(format!("the body: {error}")))
}

fn missing() -> PageError {
    PageError::NotFound("analysis of that branch".into())
}

/// The branch that is named by the id of its conversation, or of any exchange in it; under the
/// conversation's present id, as [`existing`] gives it. One that is no longer kept has its own.
async fn present(dashboard: &Dashboard, named: Branch) -> Result<Branch, PageError> {
    let queries = &dashboard.deps.queries;
    let conversation = queries.find_conversation(named.conversation_id).await?;
    let present = conversation.map_or(named.conversation_id, |found| found.conversation_id);
    Ok(Branch { conversation_id: present, ..named })
}

/// The branch, under the conversation's present id.
async fn existing(
    dashboard: &Dashboard,
    conversation: &str,
    branch: &str,
) -> Result<Branch, PageError> {
    let graph = dashboard.deps.queries.find_graph(id(conversation), u32::MAX).await?;
    let has = |graph: &ConversationGraph| graph.branches.iter().any(|b| b.branch_id == branch);
    let graph = graph.filter(has).ok_or_else(|| PageError::NotFound("such branch".into()))?;
    let conversation_id: ExchangeId = graph.conversation.conversation_id;
    Ok(Branch { conversation_id, branch_id: branch.to_owned() })
}

/// The job with its result.
fn shown(job: &Analysis) -> Value {
    let completed = job.status == JobStatus::Completed;
    let mut shown = summary(job);
    let result = json!({
        "content": job.content.as_ref().filter(|_| completed),
        "data": job.data.as_ref().filter(|_| completed),
    });
    extend(&mut shown, result);
    shown
}

fn summary(job: &Analysis) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "a figure for display")]
    let cost_usd = job.cost_nanos.map(|nanos| nanos as f64 / 1e9);
    json!({
        "id": job.job_id,
        "conversationId": job.branch.conversation_id,
        "branchId": job.branch.branch_id,
        "status": job.status,
        "error": job.error.as_ref().map(|message| json!({"code": job.error_kind, "message": message})),
        "model": job.model,
        "tokenUsage": {
            "prompt": job.prompt_tokens,
            "completion": job.completion_tokens,
            "estimatedPrompt": job.estimated_tokens,
        },
        "costUsd": cost_usd,
        "customPrompt": job.custom_prompt,
        "attempts": job.attempts,
        "run": job.run,
        "requestedBy": job.requested_by,
        "versions": job.versions,
        "throughRequestId": job.through_id,
        "timings": {
            "requestedAt": job.requested_at,
            "startedAt": job.started_at,
            "finishedAt": job.finished_at,
            "durationMs": job.duration_ms,
        },
    })
}
