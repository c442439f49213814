//! `/api/conversations`.

use actix_web::web::{Data, Path};
use nexus_store::queries::{
    ConversationFilter, ConversationSort, ConversationSummary, Cursor, Has, Page, Unsearched,
};
use serde::Serialize;

use super::{
    answer::{Answer, id, json},
    params::Params,
};
use crate::{deps::Dashboard, error::PageError};

/// Exchanges of one conversation that one answer gives.
const MAX_NODES: u32 = 20_000;

pub async fn list(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let filter = filter(&params)?;
    let page = dashboard.deps.queries.list_conversations(&filter, &params.paging()?).await?;
    let Page { items, next_cursor, unsearched } = page;
    json(&List { conversations: items, next_cursor, unsearched })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    conversations: Vec<ConversationSummary>,
    next_cursor: Option<Cursor>,
    unsearched: Option<Unsearched>,
}

fn filter(params: &Params) -> Result<ConversationFilter, PageError> {
    let mut search = params.search()?;
    let has = params.read("has", "error, subtask, branch, compact or analysis", |names| {
        names.split(',').map(Has::parse).collect::<Option<Vec<_>>>()
    })?;
    search.has.extend(has.unwrap_or_default());
    Ok(ConversationFilter {
        domain: params.text("domain").map(str::to_ascii_lowercase),
        account_id: params.owned("accountId"),
        from: params.instant("from")?,
        to: params.instant("to")?,
        search,
        sort: params
            .read("sort", "recent, cost, tokens or requests", ConversationSort::parse)?
            .unwrap_or_default(),
    })
}

pub async fn one(dashboard: Data<Dashboard>, path: Path<String>) -> Answer {
    let graph = dashboard.deps.queries.find_graph(id(&path), MAX_NODES).await?;
    json(&graph.ok_or_else(|| PageError::NotFound("conversation of that id".into()))?)
}
