//! Prompts: what `/mcp` serves.

use actix_web::HttpResponse;
use serde::Serialize;

use crate::{
    error::PageError,
    view::{Ctx, Fragment, Page, Place},
};

/// One prompt.
#[derive(Debug, Serialize)]
pub struct Prompt {
    pub name: String,
    pub description: String,
    pub arguments: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct PromptsPage {
    enabled: bool,
    rows: Vec<Prompt>,
    gateway: String,
}

impl Fragment for PromptsPage {
    const TEMPLATE: &'static str = "prompts.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let prompt =
            Prompt { name: "<b>".into(), description: "d".into(), arguments: vec!["topic".into()] };
        let gateway = || "http://localhost:3000".to_owned();
        vec![
            Self { enabled: true, rows: vec![prompt], gateway: gateway() },
            Self { enabled: true, rows: vec![], gateway: gateway() },
            Self { enabled: false, rows: vec![], gateway: gateway() },
        ]
    }
}

impl Page for PromptsPage {
    const PLACE: Place = Place::Prompts;

    fn title(&self) -> String {
        "Prompts".into()
    }
}

/// `GET /prompts`
pub async fn page(ctx: Ctx) -> Result<HttpResponse, PageError> {
    let gateway = ctx.dashboard.config.gateway_url.clone();
    ctx.page(&PromptsPage { enabled: false, rows: Vec::new(), gateway }).await
}
