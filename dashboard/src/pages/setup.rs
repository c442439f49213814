//! How to connect a client.

use actix_web::HttpResponse;
use serde::Serialize;

use crate::{
    error::PageError,
    view::{Ctx, Fragment, GatewayAddress, Page, Place},
};

/// Domains that are named where the address is not known.
const NAMED: usize = 5;

#[derive(Debug, Serialize)]
pub struct SetupPage {
    gateway: GatewayAddress,
    /// The busiest first. They help to recall the address and are no address by themselves: a client
    /// chooses its `Host`.
    domains: Vec<String>,
}

impl Fragment for SetupPage {
    const TEMPLATE: &'static str = "setup.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let gateway = GatewayAddress::default();
        let domains = vec!["team.example".into(), "<b>hi</b>".into()];
        vec![Self { gateway: gateway.clone(), domains: Vec::new() }, Self { gateway, domains }]
    }
}

impl Page for SetupPage {
    const PLACE: Place = Place::None;

    fn title(&self) -> String {
        "Connect a client".into()
    }
}

/// `GET /setup`
pub async fn page(ctx: Ctx) -> Result<HttpResponse, PageError> {
    let known = ctx.dashboard.names.known(&ctx.dashboard.deps.queries, ctx.now()).await?;
    let domains = known.domains.iter().take(NAMED).cloned().collect();
    ctx.page(&SetupPage { gateway: ctx.gateway(), domains }).await
}
