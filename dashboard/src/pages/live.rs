//! Live: the tail of exchanges, and what is in flight.

use actix_web::HttpResponse;
use nexus_store::queries::{Paging, RequestFilter, RequestSummary};
use serde::Serialize;

use super::store;
use crate::{
    error::PageError,
    live::Run,
    view::{Ctx, Fragment, Page, Place},
};

const ROWS: u32 = 40;

#[derive(Debug, Serialize)]
pub struct LivePage {
    running: Vec<Run>,
    rows: Vec<RequestSummary>,
}

#[derive(Debug, Serialize)]
pub struct Tail {
    rows: Vec<RequestSummary>,
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
        vec![
            Self { running: vec![Run::sample()], rows: vec![super::requests::sample()] },
            Self { running: vec![], rows: vec![] },
        ]
    }
}

impl Fragment for Tail {
    const TEMPLATE: &'static str = "fragments/tail.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        vec![Self { rows: vec![super::requests::sample()] }, Self { rows: vec![] }]
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

    fn title(&self) -> String {
        "Live".into()
    }
}

/// `GET /live`
pub async fn page(ctx: Ctx) -> Result<HttpResponse, PageError> {
    let rows = newest(&ctx).await?;
    ctx.page(&LivePage { running: in_flight(&ctx), rows }).await
}

/// `GET /fragments/live`
pub async fn tail(ctx: Ctx) -> Result<HttpResponse, PageError> {
    let rows = newest(&ctx).await?;
    ctx.fragment(&Tail { rows })
}

/// `GET /fragments/running`
pub async fn running(ctx: Ctx) -> Result<HttpResponse, PageError> {
    ctx.fragment(&RunningFragment { running: in_flight(&ctx) })
}

fn in_flight(ctx: &Ctx) -> Vec<Run> {
    let mut runs = ctx.dashboard.hub.running.list(ctx.now());
    runs.retain(|run| ctx.scope.domain().is_none_or(|domain| domain == run.domain));
    runs
}

async fn newest(ctx: &Ctx) -> Result<Vec<RequestSummary>, PageError> {
    let filter = RequestFilter {
        domain: ctx.scope.domain().map(str::to_owned),
        account_id: ctx.scope.account().map(str::to_owned),
        ..RequestFilter::default()
    };
    let paging = Paging { limit: ROWS, ..Paging::default() };
    Ok(ctx.dashboard.deps.queries.list_requests(&filter, &paging).await.map_err(store)?.items)
}
