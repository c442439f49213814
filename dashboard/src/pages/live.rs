//! Live: the tail of exchanges, what is in flight, and one answer as it grows.

use actix_web::{HttpResponse, web};
use nexus_contract::{ExchangeId, LiveEvent, LiveTopic};
use nexus_store::queries::{
    Page as Listed, Paging, RequestFilter, RequestSummary, Search, Unsearched,
};
use serde::{Deserialize, Serialize};

use super::store;
use crate::{
    error::PageError,
    live::Run,
    view::{Ctx, Fragment, Link, Page, Place, Range, format},
};

const ROWS: u32 = 40;

#[derive(Debug, Default, Deserialize)]
pub struct LiveQuery {
    #[serde(default)]
    q: String,
    /// The exchange whose answer is shown as it grows.
    watch: Option<ExchangeId>,
}

#[derive(Debug, Serialize)]
pub struct LivePage {
    running: Vec<Run>,
    tail: Tail,
    query: String,
    error: Option<String>,
    watched: Option<ExchangeId>,
    /// Where the tail is fetched anew.
    source: String,
    /// The query of the page without a watched answer, with its `?`.
    rest: String,
}

/// What has finished, the newest first.
#[derive(Debug, Serialize)]
pub struct Tail {
    rows: Vec<RequestSummary>,
    /// It has one order.
    sorts: Vec<Link>,
    /// By the search or by the scope.
    is_filtered: bool,
    /// What the search did not look at: what changes by itself looks at the newest only.
    unsearched: Option<Unsearched>,
    /// The list of requests that the same search goes through.
    whole: String,
}

#[cfg(test)]
impl Tail {
    /// For template tests.
    fn sample(rows: Vec<RequestSummary>) -> Self {
        Self {
            rows,
            sorts: Vec::new(),
            is_filtered: false,
            unsearched: None,
            whole: "/requests?q=a%20b".into(),
        }
    }
}

#[derive(Debug, Serialize)]
pub struct TailFragment {
    tail: Tail,
}

/// What is in flight.
#[derive(Debug, Serialize)]
pub struct RunningFragment {
    running: Vec<Run>,
}

impl Fragment for LivePage {
    const TEMPLATE: &'static str = "live.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let row = super::requests::sample();
        let empty = || Self {
            running: vec![],
            tail: Tail::sample(vec![]),
            query: String::new(),
            error: None,
            watched: None,
            source: "/fragments/live?".into(),
            rest: String::new(),
        };
        vec![
            Self {
                running: vec![Run::sample()],
                watched: Some(row.request_id),
                tail: Tail::sample(vec![row]),
                error: Some("<b>".into()),
                ..empty()
            },
            empty(),
        ]
    }
}

impl Fragment for TailFragment {
    const TEMPLATE: &'static str = "fragments/tail.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let row = || vec![super::requests::sample()];
        let searched = |rows, unsearched| Self {
            tail: Tail { is_filtered: true, unsearched, ..Tail::sample(rows) },
        };
        vec![
            Self { tail: Tail::sample(row()) },
            Self { tail: Tail::sample(vec![]) },
            searched(vec![], None),
            searched(vec![], Some(Unsearched::Next)),
            searched(row(), Some(Unsearched::Older)),
        ]
    }
}

impl Fragment for RunningFragment {
    const TEMPLATE: &'static str = "fragments/running.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        vec![Self { running: vec![Run::sample()] }, Self { running: vec![] }]
    }
}

impl Page for LivePage {
    const PLACE: Place = Place::Live;
    const RANGE: Range = Range::All;

    fn title(&self) -> String {
        "Live".into()
    }
}

/// `GET /live`
pub async fn page(ctx: Ctx, asked: web::Query<LiveQuery>) -> Result<HttpResponse, PageError> {
    let (tail, error) = finished(&ctx, &asked).await?;
    let links = ctx.own_links();
    let rest = links.with("watch", None).trim_start_matches("/live").to_owned();
    ctx.page(&LivePage {
        running: in_flight(&ctx),
        tail,
        error,
        watched: asked.watch,
        source: format!("/fragments/live{rest}"),
        rest,
        query: asked.into_inner().q,
    })
    .await
}

/// `GET /fragments/live`
pub async fn tail(ctx: Ctx, asked: web::Query<LiveQuery>) -> Result<HttpResponse, PageError> {
    let (tail, _told) = finished(&ctx, &asked).await?;
    ctx.fragment(&TailFragment { tail })
}

/// `GET /fragments/watch/{id}`: says to the gateways that somebody looks at an answer that grows.
/// Nothing is kept of it, so that it needs no login where reading needs none.
pub async fn watch(ctx: Ctx, id: web::Path<String>) -> Result<HttpResponse, PageError> {
    let id = super::id(&id, "request")?;
    let event = LiveEvent::new(LiveTopic::Watch, Some(id), ctx.now(), "", &());
    ctx.dashboard.deps.live.publish(event);
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /fragments/running`
pub async fn running(ctx: Ctx) -> Result<HttpResponse, PageError> {
    ctx.fragment(&RunningFragment { running: in_flight(&ctx) })
}

/// What runs in the chosen domain.
pub(super) fn in_flight(ctx: &Ctx) -> Vec<Run> {
    let mut runs = ctx.dashboard.hub.running.list(ctx.now());
    runs.retain(|run| ctx.scope.domain().is_none_or(|domain| domain == run.domain));
    runs
}

/// A search that is not understood shows everything, and why.
async fn finished(ctx: &Ctx, asked: &LiveQuery) -> Result<(Tail, Option<String>), PageError> {
    let (search, error) = match Search::parse(&asked.q, &ctx.zone()) {
        Ok(search) => (search, None),
        Err(error) => (Search::default(), Some(error.to_string())),
    };
    let is_searched = error.is_none() && !asked.q.trim().is_empty();
    let newest = newest(ctx, search).await?;
    let tail = Tail {
        rows: newest.items,
        sorts: Vec::new(),
        is_filtered: is_searched || !ctx.scope.query().is_empty(),
        unsearched: newest.unsearched,
        whole: ctx.scoped(&format!("/requests?q={}", format::encoded(&asked.q))),
    };
    Ok((tail, error))
}

async fn newest(ctx: &Ctx, search: Search) -> Result<Listed<RequestSummary>, PageError> {
    let filter = RequestFilter {
        domain: ctx.scope.domain().map(str::to_owned),
        account_id: ctx.scope.account().map(str::to_owned),
        from: ctx.range::<LivePage>().from(ctx.now()),
        search,
        ..RequestFilter::default()
    };
    let paging = Paging { limit: ROWS, ..Paging::default() };
    ctx.dashboard.deps.queries.list_requests(&filter, &paging).await.map_err(store)
}
