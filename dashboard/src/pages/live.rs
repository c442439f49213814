//! Live: the tail of exchanges, what is in flight, and one answer as it grows.

use actix_web::{HttpResponse, web};
use nexus_contract::{ExchangeId, LiveEvent, LiveTopic};
use nexus_store::queries::{Paging, RequestFilter, RequestSummary, Search};
use serde::{Deserialize, Serialize};

use super::store;
use crate::{
    error::PageError,
    live::Run,
    view::{Ctx, Fragment, Link, Page, Place, Range},
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
    rows: Vec<RequestSummary>,
    /// The tail has one order.
    sorts: Vec<Link>,
    query: String,
    error: Option<String>,
    watched: Option<ExchangeId>,
    /// Where the tail is fetched anew.
    source: String,
    /// The query of the page without a watched answer, with its `?`.
    rest: String,
}

#[derive(Debug, Serialize)]
pub struct Tail {
    rows: Vec<RequestSummary>,
    sorts: Vec<Link>,
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
            rows: vec![],
            sorts: vec![],
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
                rows: vec![row],
                error: Some("<b>".into()),
                ..empty()
            },
            empty(),
        ]
    }
}

impl Fragment for Tail {
    const TEMPLATE: &'static str = "fragments/tail.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let tail = |rows| Self { rows, sorts: vec![] };
        vec![tail(vec![super::requests::sample()]), tail(vec![])]
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
    let (search, error) = search(&ctx, &asked);
    let links = ctx.own_links();
    let rest = links.with("watch", None).trim_start_matches("/live").to_owned();
    ctx.page(&LivePage {
        running: in_flight(&ctx),
        rows: newest(&ctx, search).await?,
        sorts: Vec::new(),
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
    let (search, _told) = search(&ctx, &asked);
    let rows = newest(&ctx, search).await?;
    ctx.fragment(&Tail { rows, sorts: Vec::new() })
}

/// `GET /fragments/watch/{id}`: says to the gateways that somebody looks at an answer that grows.
/// Nothing is kept of it, so that it needs no login where reading needs none.
pub async fn watch(ctx: Ctx, id: web::Path<String>) -> Result<HttpResponse, PageError> {
    let id = super::id(&id, "request")?;
    ctx.dashboard.deps.live.publish(LiveEvent {
        topic: LiveTopic::Watch,
        id: Some(id),
        at: ctx.now(),
        domain: String::new(),
        data: serde_json::Value::Null,
    });
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
fn search(ctx: &Ctx, asked: &LiveQuery) -> (Search, Option<String>) {
    match Search::parse(&asked.q, &ctx.zone()) {
        Ok(search) => (search, None),
        Err(error) => (Search::default(), Some(error.to_string())),
    }
}

async fn newest(ctx: &Ctx, search: Search) -> Result<Vec<RequestSummary>, PageError> {
    let filter = RequestFilter {
        domain: ctx.scope.domain().map(str::to_owned),
        account_id: ctx.scope.account().map(str::to_owned),
        from: ctx.range::<LivePage>().from(ctx.now()),
        search,
        ..RequestFilter::default()
    };
    let paging = Paging { limit: ROWS, ..Paging::default() };
    Ok(ctx.dashboard.deps.queries.list_requests(&filter, &paging).await.map_err(store)?.items)
}
