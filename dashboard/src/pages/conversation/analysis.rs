//! The analysis tab: what Gemini made of a branch.

use actix_web::{HttpResponse, web};
use jiff::Timestamp;
use nexus_store::analyses::{Analysis, Branch, JobStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{data, head::Head};
use crate::{
    analyses,
    error::PageError,
    render,
    view::{Crumb, Ctx, Fragment, Page, Place, format},
};

#[derive(Debug, Default, Deserialize)]
pub struct AnalysisQuery {
    branch: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Wish {
    #[serde(default)]
    prompt: String,
    #[serde(default)]
    again: bool,
}

/// A job as the tab shows it.
#[derive(Debug, Serialize)]
pub struct Job {
    status: &'static str,
    attempts: u32,
    requested_at: Timestamp,
    finished_at: Option<Timestamp>,
    model: Option<String>,
    prompt_tokens: Option<u64>,
    /// What the local estimate of it was.
    estimated_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    duration_ms: Option<u64>,
    cost_usd: Option<f64>,
    custom_prompt: Option<String>,
    error: Option<String>,
    /// The result as data, under the schema's key.
    data: Option<Value>,
    /// The result as sanitised HTML, when it is not data.
    html: String,
}

/// The part that lives.
#[derive(Debug, Serialize)]
pub struct AnalysisView {
    conversation: String,
    /// The conversation whose events are of this job.
    follows: String,
    branch: String,
    job: Option<Job>,
    read_only: bool,
}

#[derive(Debug, Serialize)]
pub struct AnalysisPage {
    head: Head,
    analysis: AnalysisView,
}

#[derive(Debug, Serialize)]
pub struct AnalysisFragment {
    analysis: AnalysisView,
}

impl Fragment for AnalysisPage {
    const TEMPLATE: &'static str = "conversation/analysis.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let head = || Head::of(&data::sample(), "analysis", None);
        samples().into_iter().map(|analysis| Self { head: head(), analysis }).collect()
    }
}

impl Fragment for AnalysisFragment {
    const TEMPLATE: &'static str = "conversation/analysis_body.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        samples().into_iter().map(|analysis| Self { analysis }).collect()
    }
}

impl Page for AnalysisPage {
    const PLACE: Place = Place::Conversations;

    fn title(&self) -> String {
        format!("{} · Analysis", self.head.title)
    }

    fn crumbs(&self) -> Vec<Crumb> {
        self.head.crumbs()
    }

    fn here(&self) -> String {
        "Analysis".into()
    }
}

/// `GET /conversations/{id}/analysis`
pub async fn page(
    ctx: Ctx,
    id: web::Path<String>,
    asked: web::Query<AnalysisQuery>,
) -> Result<HttpResponse, PageError> {
    let loaded = data::load(&ctx, &id).await?;
    let branch = branch(&loaded, asked.branch.as_deref());
    let job = analyses::find(&ctx.dashboard, &who(&ctx)?, &branch).await?;
    let analysis = view(&ctx, branch, job);
    let head = Head::of(&loaded, "analysis", asked.branch.as_deref());
    ctx.page(&AnalysisPage { head, analysis }).await
}

/// `GET /conversations/{id}/analysis/status`
pub async fn fragment(
    ctx: Ctx,
    id: web::Path<String>,
    asked: web::Query<AnalysisQuery>,
) -> Result<HttpResponse, PageError> {
    let loaded = data::load(&ctx, &id).await?;
    let branch = branch(&loaded, asked.branch.as_deref());
    let job = analyses::follow(&ctx.dashboard, &who(&ctx)?, &branch).await?;
    let analysis = view(&ctx, branch, job);
    ctx.fragment(&AnalysisFragment { analysis })
}

/// `POST /conversations/{id}/analysis`: asks for one, or for a new run of one.
pub async fn request(
    ctx: Ctx,
    id: web::Path<String>,
    asked: web::Query<AnalysisQuery>,
    wish: web::Form<Wish>,
) -> Result<HttpResponse, PageError> {
    let loaded = data::load(&ctx, &id).await?;
    let branch = branch(&loaded, asked.branch.as_deref());
    let who = who(&ctx)?;
    let (dashboard, prompt) = (&*ctx.dashboard, Some(wish.prompt.as_str()));
    let asked_again = if wish.again {
        analyses::ask(dashboard, &who, branch.clone(), prompt, true).await?
    } else {
        None
    };
    if asked_again.is_none() {
        analyses::ask(dashboard, &who, branch.clone(), prompt, false).await?;
    }
    let named = format::encoded(&branch.branch_id);
    Ok(ctx.lead_to(&format!("/conversations/{}/analysis?branch={named}", loaded.id())))
}

fn branch(loaded: &data::Loaded, wanted: Option<&str>) -> Branch {
    let first = loaded.graph.branches.first().map(|branch| branch.branch_id.clone());
    let wanted =
        wanted.filter(|id| loaded.graph.branches.iter().any(|branch| branch.branch_id == *id));
    let branch_id = wanted.map(str::to_owned).or(first).unwrap_or_else(|| "main".into());
    Branch { conversation_id: loaded.id(), branch_id }
}

/// Under whose name it is counted and written down.
fn who(ctx: &Ctx) -> Result<String, PageError> {
    Ok(ctx.visitor.as_ref().ok_or(PageError::LoginNeeded)?.name())
}

fn view(ctx: &Ctx, branch: Branch, job: Option<Analysis>) -> AnalysisView {
    AnalysisView {
        conversation: branch.conversation_id.to_string(),
        // Events name the conversation under which it was asked for.
        follows: job
            .as_ref()
            .map_or(branch.conversation_id, |job| job.branch.conversation_id)
            .to_string(),
        branch: branch.branch_id,
        job: job.map(show),
        read_only: ctx.dashboard.keeper.is_read_only(),
    }
}

fn show(job: Analysis) -> Job {
    let data = job.data.as_ref().map(|data| data.get("analysis").unwrap_or(data).clone());
    Job {
        status: job.status.as_str(),
        attempts: job.attempts,
        requested_at: job.requested_at,
        finished_at: job.finished_at,
        model: job.model,
        prompt_tokens: job.prompt_tokens,
        estimated_tokens: job.estimated_tokens,
        completion_tokens: job.completion_tokens,
        duration_ms: job.duration_ms,
        #[expect(clippy::cast_precision_loss, reason = "a figure for display")]
        cost_usd: job.cost_nanos.map(|nanos| nanos as f64 / 1e9),
        custom_prompt: job.custom_prompt,
        error: job.error.filter(|_| job.status == JobStatus::Failed),
        html: if data.is_none() {
            job.content.as_deref().map(render::markdown).unwrap_or_default()
        } else {
            String::new()
        },
        data,
    }
}

#[cfg(test)]
fn samples() -> Vec<AnalysisView> {
    let job = |status| Job {
        status,
        attempts: 1,
        requested_at: Timestamp::UNIX_EPOCH,
        finished_at: None,
        model: Some("gemini".into()),
        prompt_tokens: Some(1),
        estimated_tokens: Some(2),
        completion_tokens: Some(2),
        duration_ms: Some(3),
        cost_usd: Some(0.1),
        custom_prompt: Some("<b>".into()),
        error: (status == "failed").then(|| "refused".into()),
        data: None,
        html: "<p>raw</p>".into(),
    };
    let full = serde_json::json!({
        "summary": "<b>", "keyTopics": ["a"], "sentiment": "positive", "userIntent": "fix", "outcomes": ["done"],
        "actionItems": [{"type": "task", "description": "d", "priority": "high"}],
        "promptingTips": [{"category": "clarity", "issue": "i", "suggestion": "s", "example": "e"}],
        "interactionPatterns": {"promptClarity": 8, "contextCompleteness": 6, "followUpEffectiveness": "good", "commonIssues": ["x"], "strengths": ["y"]},
        "technicalDetails": {"frameworks": ["actix"], "issues": [], "solutions": [], "toolUsageEfficiency": "optimal", "contextWindowManagement": "efficient"},
        "conversationQuality": {"clarity": "high", "completeness": "complete", "effectiveness": "effective"}
    });
    let view = |job| AnalysisView {
        conversation: "c".into(),
        follows: "c".into(),
        branch: "main".into(),
        job,
        read_only: false,
    };
    let mut views: Vec<_> = ["pending", "processing", "completed", "failed"]
        .map(|status| view(Some(job(status))))
        .into();
    views.push(view(Some(Job { data: Some(full), ..job("completed") })));
    views.push(view(Some(Job {
        data: Some(serde_json::json!({"summary": "only"})),
        ..job("completed")
    })));
    views.push(AnalysisView { read_only: true, ..view(None) });
    views.push(view(None));
    views
}
