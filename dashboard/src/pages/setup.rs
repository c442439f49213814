//! How to connect a client.

use actix_web::HttpResponse;
use serde::Serialize;

use crate::{
    error::PageError,
    view::{Ctx, Fragment, GatewayAddress, Page, Place},
};

#[derive(Debug, Serialize)]
pub struct SetupPage {
    gateway: GatewayAddress,
}

impl Fragment for SetupPage {
    const TEMPLATE: &'static str = "setup.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        vec![Self { gateway: GatewayAddress::default() }]
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
    let gateway = ctx.gateway();
    ctx.page(&SetupPage { gateway }).await
}
