//! Pipeline: how far events have come, which could not be handled, and how well they were linked.

use actix_web::{HttpResponse, web};
use nexus_bus::{DeadLetter, StreamError};
use nexus_contract::JournalFigures;
use nexus_store::links::ClientLinks;
use serde::Serialize;

use super::{
    flow::{self, Flow},
    names::falling,
    overview::float,
};
use crate::{
    error::PageError,
    live::{Instance, journals},
    view::{Ctx, Fragment, Page, Place},
};

const LETTERS: usize = 50;
/// Bytes of a dead letter that are shown.
const PAYLOAD: usize = 20_000;

/// The part that lives.
#[derive(Debug, Serialize)]
pub struct Pipeline {
    #[serde(flatten)]
    flow: Flow,
    fill: f64,
    /// All gateways' journals together; `None` where no gateway was heard of.
    journal: Option<JournalFigures>,
    journal_fill: f64,
    instances: Vec<Instance>,
    letters: Vec<DeadLetter>,
    /// How well linking goes, by the clients' versions.
    links: Vec<ClientLinks>,
    /// The versions whose link rate or agreement dropped.
    falling: Vec<String>,
    csrf_query: String,
    read_only: bool,
}

#[derive(Debug, Serialize)]
pub struct PipelinePage {
    pipeline: Pipeline,
}

#[derive(Debug, Serialize)]
pub struct PipelineFragment {
    pipeline: Pipeline,
}

/// One dead letter with its bytes.
#[derive(Debug, Serialize)]
pub struct LetterPage {
    letter: DeadLetter,
    payload: String,
    bytes: usize,
    csrf_query: String,
    read_only: bool,
}

impl Fragment for PipelinePage {
    const TEMPLATE: &'static str = "pipeline.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        samples().into_iter().map(|pipeline| Self { pipeline }).collect()
    }
}

impl Fragment for PipelineFragment {
    const TEMPLATE: &'static str = "fragments/pipeline.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        samples().into_iter().map(|pipeline| Self { pipeline }).collect()
    }
}

impl Fragment for LetterPage {
    const TEMPLATE: &'static str = "dead_letter.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        vec![Self {
            letter: letter(),
            payload: "<b>".into(),
            bytes: 3,
            csrf_query: String::new(),
            read_only: false,
        }]
    }
}

impl Page for PipelinePage {
    const PLACE: Place = Place::Pipeline;

    fn title(&self) -> String {
        "Pipeline".into()
    }
}

impl Page for LetterPage {
    const PLACE: Place = Place::Pipeline;

    fn title(&self) -> String {
        "Dead letter".into()
    }

    fn crumbs(&self) -> Vec<crate::view::Crumb> {
        vec![crate::view::Crumb { label: "Pipeline".into(), href: "/pipeline".into() }]
    }
}

/// `GET /pipeline`
pub async fn page(ctx: Ctx) -> Result<HttpResponse, PageError> {
    let pipeline = load(&ctx).await;
    ctx.page(&PipelinePage { pipeline }).await
}

/// `GET /fragments/pipeline`
pub async fn fragment(ctx: Ctx) -> Result<HttpResponse, PageError> {
    let pipeline = load(&ctx).await;
    ctx.fragment(&PipelineFragment { pipeline })
}

/// A stream that cannot be reached is a state of this page, not an error of it.
async fn load(ctx: &Ctx) -> Pipeline {
    let stream = &ctx.dashboard.deps.stream;
    let told = flow::ask(stream.as_ref()).await;
    let letters = match stream.list_dead_letters(None, LETTERS).await {
        Ok(page) => page.items,
        Err(error) => {
            tracing::warn!(%error, "dead letters cannot be listed");
            Vec::new()
        }
    };
    let links = ctx.dashboard.link_quality().await;
    let links = links.as_deref().unwrap_or_default();
    let instances = ctx.dashboard.hub.instances.list();
    let journal = journals(&instances);
    let flow = Flow::of(told, journal.as_ref());
    Pipeline {
        fill: flow.status.as_ref().map_or(0.0, |status| share(status.bytes, status.max_bytes)),
        journal_fill: journal.map_or(0.0, |journal| share(journal.used_bytes, journal.max_bytes)),
        flow,
        journal,
        instances,
        letters,
        falling: falling(links),
        links: links.to_vec(),
        csrf_query: ctx.csrf_query(),
        read_only: ctx.dashboard.keeper.is_read_only(),
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

/// `GET /pipeline/dead-letters/{id}`
pub async fn dead_letter(ctx: Ctx, id: web::Path<String>) -> Result<HttpResponse, PageError> {
    let found = ctx.dashboard.deps.stream.find_dead_letter(&id).await.map_err(unreachable)?;
    let letter = found.ok_or_else(|| PageError::NotFound("dead letter".into()))?;
    let shown = &letter.payload[..letter.payload.len().min(PAYLOAD)];
    let payload = String::from_utf8_lossy(shown).into_owned();
    let bytes = letter.payload.len();
    let read_only = ctx.dashboard.keeper.is_read_only();
    ctx.page(&LetterPage { letter, payload, bytes, csrf_query: ctx.csrf_query(), read_only }).await
}

/// `POST /pipeline/dead-letters/{id}/requeue`
pub async fn requeue(ctx: Ctx, id: web::Path<String>) -> Result<HttpResponse, PageError> {
    let done = ctx.dashboard.deps.stream.requeue_dead_letter(&id).await.map_err(unreachable)?;
    settled(&ctx, done)
}

/// `POST /pipeline/dead-letters/{id}/drop`
pub async fn discard(ctx: Ctx, id: web::Path<String>) -> Result<HttpResponse, PageError> {
    let done = ctx.dashboard.deps.stream.drop_dead_letter(&id).await.map_err(unreachable)?;
    settled(&ctx, done)
}

fn settled(ctx: &Ctx, done: bool) -> Result<HttpResponse, PageError> {
    if done {
        return Ok(ctx.lead_to("/pipeline"));
    }
    Err(PageError::NotFound("dead letter".into()))
}

fn unreachable(error: StreamError) -> PageError {
    PageError::internal(error)
}

#[cfg(test)]
fn letter() -> DeadLetter {
    DeadLetter {
        id: "storage-1".into(),
        consumer: "storage".into(),
        message_id: "m".into(),
        kind: "request.received".into(),
        reason: "<b>".into(),
        attempts: 5,
        at: jiff::Timestamp::UNIX_EPOCH,
        payload: bytes::Bytes::new(),
    }
}

#[cfg(test)]
fn samples() -> Vec<Pipeline> {
    let consumer =
        nexus_bus::ConsumerStatus { name: "storage".into(), lag: 4, unsettled: 2, redelivered: 1 };
    let status = nexus_bus::StreamStatus {
        transport: "embedded",
        connected: true,
        events: 10,
        bytes: 1000,
        max_bytes: 2000,
        dead_letters: 1,
        consumers: vec![consumer],
    };
    let fallen = ClientLinks {
        client: "<b>/1".into(),
        continuing: 40,
        link_rate: 0.5,
        agreement: Some(0.9),
        dropped: true,
        ..ClientLinks::default()
    };
    let full = Pipeline {
        flow: Flow { status: Some(status), error: None, dropped: 3, healthy: false },
        fill: 0.5,
        journal: Instance::sample().heartbeat.journal,
        journal_fill: 0.1,
        instances: vec![Instance::sample()],
        letters: vec![letter()],
        falling: falling(std::slice::from_ref(&fallen)),
        links: vec![fallen, ClientLinks::default()],
        csrf_query: String::new(),
        read_only: false,
    };
    let down = Pipeline {
        flow: Flow { error: Some("it cannot be reached".into()), ..Flow::default() },
        fill: 0.0,
        journal: None,
        journal_fill: 0.0,
        instances: vec![],
        letters: vec![],
        links: vec![],
        falling: vec![],
        csrf_query: String::new(),
        read_only: true,
    };
    vec![full, down]
}
