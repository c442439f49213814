//! What the command palette finds beyond the places.

use actix_web::{HttpResponse, web};
use nexus_store::queries::{ConversationFilter, Paging, Search};
use serde::{Deserialize, Serialize};

use super::store;
use crate::{
    error::PageError,
    view::{Ctx, format},
};

const FOUND: u32 = 6;

#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(default)]
    q: String,
}

#[derive(Debug, Serialize)]
struct Entry {
    text: String,
    hint: String,
    href: String,
}

/// `GET /fragments/palette`: conversations of the chosen domain and account as JSON; an id leads
/// straight to its request.
pub async fn find(ctx: Ctx, typed: web::Query<Typed>) -> Result<HttpResponse, PageError> {
    if let Ok(id) = typed.q.trim().parse::<nexus_contract::ExchangeId>() {
        let entry = Entry {
            text: format!("Request {id}"),
            hint: "open".into(),
            href: ctx.scoped(&format!("/requests/{id}")),
        };
        return Ok(HttpResponse::Ok().json([entry]));
    }
    // Half-typed text is not an error here: it finds nothing.
    let Ok(search) = Search::parse(&typed.q, &ctx.zone()) else {
        return Ok(HttpResponse::Ok().json([(); 0]));
    };
    let filter = ConversationFilter {
        domain: ctx.scope.domain().map(str::to_owned),
        account_id: ctx.scope.account().map(str::to_owned),
        search,
        ..ConversationFilter::default()
    };
    let paging = Paging { limit: FOUND, ..Paging::default() };
    let found =
        ctx.dashboard.deps.queries.list_conversations(&filter, &paging).await.map_err(store)?;
    let now = ctx.now();
    let entries = found.items.into_iter().map(|row| Entry {
        text: row.title.unwrap_or_else(|| "Untitled conversation".into()),
        hint: format::ago(row.last_message_time, now),
        href: ctx.scoped(&format!("/conversations/{}", row.conversation_id)),
    });
    Ok(HttpResponse::Ok().json(entries.collect::<Vec<_>>()))
}
