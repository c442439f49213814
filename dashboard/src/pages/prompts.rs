//! Prompts: what `/mcp` serves.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use crate::{
    error::PageError,
    mcp::{Mcp, SyncStatus},
    view::{Ctx, Fragment, GatewayAddress, Page, Place},
};

/// One prompt.
#[derive(Debug, Serialize)]
pub struct Prompt {
    pub name: String,
    pub description: String,
    pub arguments: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
pub struct PromptsQuery {
    #[serde(default)]
    search: String,
}

#[derive(Debug, Serialize)]
pub struct PromptsPage {
    enabled: bool,
    rows: Vec<Prompt>,
    search: String,
    gateway: GatewayAddress,
    /// `None` when no repository is configured.
    sync: Option<SyncStatus>,
    csrf_query: String,
    read_only: bool,
}

impl Fragment for PromptsPage {
    const TEMPLATE: &'static str = "prompts.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let prompt =
            Prompt { name: "<b>".into(), description: "d".into(), arguments: vec!["topic".into()] };
        let empty = || Self {
            enabled: true,
            rows: vec![],
            search: String::new(),
            gateway: GatewayAddress::default(),
            sync: None,
            csrf_query: String::new(),
            read_only: false,
        };
        let failed = SyncStatus {
            error: Some("<b>".into()),
            failed: vec!["a.yaml".into()],
            ..SyncStatus::default()
        };
        vec![
            Self { rows: vec![prompt], sync: Some(SyncStatus::default()), ..empty() },
            Self { search: "nothing".into(), sync: Some(failed), read_only: true, ..empty() },
            empty(),
            Self { enabled: false, ..empty() },
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
pub async fn page(ctx: Ctx, asked: web::Query<PromptsQuery>) -> Result<HttpResponse, PageError> {
    let mcp = ctx.dashboard.prompts.get();
    let found = mcp.map(|mcp| mcp.library().search(&asked.search)).unwrap_or_default();
    ctx.page(&PromptsPage {
        enabled: mcp.is_some(),
        rows: found.iter().map(|prompt| row(prompt)).collect(),
        search: asked.into_inner().search,
        gateway: ctx.gateway(),
        sync: mcp.and_then(|mcp| mcp.sync_status()),
        csrf_query: ctx.csrf_query(),
        read_only: ctx.dashboard.keeper.is_read_only(),
    })
    .await
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

/// `POST /prompts/sync`: asks for a synchronisation before its time.
pub async fn sync(ctx: Ctx) -> Result<HttpResponse, PageError> {
    let missing = || PageError::NotFound("repository of prompts".into());
    let asked = ctx.dashboard.prompts.get().ok_or_else(missing)?.request_sync();
    if !asked {
        return Err(missing());
    }
    Ok(ctx.lead_to("/prompts"))
}

pub(super) fn library(ctx: &Ctx) -> Result<&Arc<Mcp>, PageError> {
    let off = || PageError::NotFound("prompt: prompts are off".into());
    ctx.dashboard.prompts.get().ok_or_else(off)
}
