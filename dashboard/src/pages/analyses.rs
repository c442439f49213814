//! Analyses: the jobs.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use jiff::Timestamp;
use nexus_contract::ExchangeId;
use nexus_store::analyses::{Analysis, AnalysisCounts, AnalysisCursor, AnalysisFilter, JobStatus};
use serde::{Deserialize, Serialize};

use super::store;
use crate::{
    analyses,
    error::PageError,
    view::{Ctx, Fragment, Link, Links, Page, Place, Range, format},
};

const ROWS: u32 = 50;

#[derive(Debug, Default, Deserialize)]
pub struct JobsQuery {
    #[serde(default)]
    status: String,
    cursor: Option<String>,
}

/// One job.
#[derive(Debug, Serialize)]
struct JobRow {
    href: String,
    conversation: String,
    branch: String,
    status: &'static str,
    requested_at: Timestamp,
    requested_by: String,
    model: Option<String>,
    tokens: Option<u64>,
    duration_ms: Option<u64>,
    cost_usd: Option<f64>,
    attempts: u32,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct AnalysesPage {
    rows: Vec<JobRow>,
    statuses: Vec<Link>,
    next: Option<String>,
    is_filtered: bool,
}

impl Fragment for AnalysesPage {
    const TEMPLATE: &'static str = "analyses.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let row = JobRow {
            href: "/conversations/x/analysis".into(),
            conversation: "x".into(),
            branch: "main".into(),
            status: "failed",
            requested_at: Timestamp::UNIX_EPOCH,
            requested_by: "key".into(),
            model: None,
            tokens: None,
            duration_ms: None,
            cost_usd: None,
            attempts: 3,
            error: Some("<b>".into()),
        };
        let statuses = || statuses(&Links::new("/analyses", ""), "", AnalysisCounts::default());
        vec![
            Self {
                rows: vec![row],
                statuses: statuses(),
                next: Some("?".into()),
                is_filtered: false,
            },
            Self { rows: vec![], statuses: statuses(), next: None, is_filtered: false },
            Self { rows: vec![], statuses: statuses(), next: None, is_filtered: true },
        ]
    }
}

impl Page for AnalysesPage {
    const PLACE: Place = Place::Analyses;
    const RANGE: Range = Range::All;

    fn title(&self) -> String {
        "Analyses".into()
    }
}

/// `GET /analyses`
pub async fn page(ctx: Ctx, asked: web::Query<JobsQuery>) -> Result<HttpResponse, PageError> {
    let deps = &ctx.dashboard.deps;
    let wrong = || PageError::BadRequest("the cursor is none that this page gave".into());
    let after: Option<AnalysisCursor> =
        asked.cursor.as_deref().map(str::parse).transpose().map_err(|_wrong| wrong())?;
    let filter = AnalysisFilter {
        status: JobStatus::parse(&asked.status),
        domain: ctx.scope.domain().map(str::to_owned),
        account_id: ctx.scope.account().map(str::to_owned),
        from: ctx.range::<AnalysesPage>().from(ctx.now()),
        to: None,
    };
    let (jobs, next) = analyses::list(&ctx.dashboard, &filter, after, ROWS).await?;
    let ids: Vec<_> = jobs.iter().map(|job| job.branch.conversation_id).collect();
    let titles = deps.queries.list_titles(&ids).await.map_err(store)?;
    let counts = deps.analyses.count_analyses(&filter).await.map_err(store)?;
    let links = ctx.own_links();
    let next = next.map(|next| links.with("cursor", Some(&next.to_string())));
    let statuses = statuses(&links, &asked.status, counts);
    ctx.page(&AnalysesPage {
        rows: jobs.into_iter().map(|job| row(job, &titles)).collect(),
        statuses,
        next,
        is_filtered: !ctx.scope.query().is_empty() || !asked.status.is_empty(),
    })
    .await
}

fn statuses(links: &Links, chosen: &str, counts: AnalysisCounts) -> Vec<Link> {
    let all = counts.pending + counts.processing + counts.completed + counts.failed;
    [
        ("", "All", all),
        ("pending", "Pending", counts.pending),
        ("processing", "Processing", counts.processing),
        ("completed", "Completed", counts.completed),
        ("failed", "Failed", counts.failed),
    ]
    .into_iter()
    .map(|(name, label, count)| Link {
        href: links.with("status", (!name.is_empty()).then_some(name)),
        label: format!("{label} {count}"),
        icon: "",
        current: name == chosen,
    })
    .collect()
}

fn row(job: Analysis, titles: &HashMap<ExchangeId, String>) -> JobRow {
    let branch = format::encoded(&job.branch.branch_id);
    JobRow {
        href: format!("/conversations/{}/analysis?branch={branch}", job.branch.conversation_id),
        conversation: titles
            .get(&job.branch.conversation_id)
            .cloned()
            .unwrap_or_else(|| "Untitled conversation".into()),
        branch: job.branch.branch_id,
        status: job.status.as_str(),
        requested_at: job.requested_at,
        requested_by: job.requested_by,
        model: job.model,
        tokens: job
            .prompt_tokens
            .zip(job.completion_tokens)
            .map(|(prompt, answer)| prompt + answer),
        duration_ms: job.duration_ms,
        #[expect(clippy::cast_precision_loss, reason = "a figure for display")]
        cost_usd: job.cost_nanos.map(|nanos| nanos as f64 / 1e9),
        attempts: job.attempts,
        error: job.error.filter(|_| job.status == JobStatus::Failed),
    }
}
