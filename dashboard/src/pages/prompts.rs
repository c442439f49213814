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
    let prompts = ctx.dashboard.prompts.get();
    let rows = prompts.map(|mcp| mcp.library().all().values().map(|prompt| row(prompt)).collect());
    let page = PromptsPage { enabled: prompts.is_some(), rows: rows.unwrap_or_default(), gateway };
    ctx.page(&page).await
}

fn row(prompt: &crate::mcp::Prompt) -> Prompt {
    let shown = |argument: &crate::mcp::Argument| {
        if argument.required { argument.name.clone() } else { format!("{}?", argument.name) }
    };
    Prompt {
        name: prompt.name.clone(),
        description: prompt.description.clone().unwrap_or_default(),
        arguments: prompt.arguments.iter().map(shown).collect(),
    }
}
