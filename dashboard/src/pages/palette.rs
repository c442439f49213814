//! What the command palette finds beyond the places.

use actix_web::{HttpResponse, web};
use jiff::Timestamp;
use nexus_store::queries::{
    ConversationFilter, ConversationSummary, Page, Paging, Search, Unsearched,
};
use serde::{Deserialize, Serialize};

use super::store;
use crate::{
    error::PageError,
    view::{Ctx, format, scoped},
};

const FOUND: u32 = 6;

#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(default)]
    q: String,
}

/// What was found, and what was not looked at.
#[derive(Debug, Default, Serialize)]
struct Found {
    entries: Vec<Entry>,
    unsearched: Option<Unsearched>,
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
        return Ok(HttpResponse::Ok().json(Found { entries: vec![entry], unsearched: None }));
    }
    // Half-typed text is not an error here: it finds nothing.
    let Ok(search) = Search::parse(&typed.q, &ctx.zone()) else {
        return Ok(HttpResponse::Ok().json(Found::default()));
    };
    let filter = ConversationFilter {
        domain: ctx.scope.domain().map(str::to_owned),
        account_id: ctx.scope.account().map(str::to_owned),
        search,
        ..ConversationFilter::default()
    };
    let paging = Paging { limit: FOUND, ..Paging::default() };
    let listed =
        ctx.dashboard.deps.queries.list_conversations(&filter, &paging).await.map_err(store)?;
    Ok(HttpResponse::Ok().json(found(listed, ctx.now(), &ctx.scope.query())))
}

fn found(listed: Page<ConversationSummary>, now: Timestamp, scope: &str) -> Found {
    let entry = |row: ConversationSummary| Entry {
        text: row.title.unwrap_or_else(|| "Untitled conversation".into()),
        hint: format::ago(row.last_message_time, now),
        href: scoped(&format!("/conversations/{}", row.conversation_id), scope),
    };
    Found { entries: listed.items.into_iter().map(entry).collect(), unsearched: listed.unsearched }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_search_that_did_not_look_at_everything_says_so() {
        let page = |items, unsearched| Page { items, next_cursor: None, unsearched };
        let told = |page| json!(found(page, Timestamp::UNIX_EPOCH, "domain=d"));
        let nothing = told(page(Vec::new(), Some(Unsearched::Next)));
        assert_eq!(nothing, json!({"entries": [], "unsearched": "next"}));
        let row = super::super::conversations::sample();
        let href = format!("/conversations/{}?domain=d", row.conversation_id);
        let one = told(page(vec![row], None));
        assert_eq!((&one["entries"][0]["href"], &one["unsearched"]), (&json!(href), &json!(null)));
    }
}
