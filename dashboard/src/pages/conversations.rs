//! Conversations: the list and the search.

use actix_web::{HttpResponse, web};
use nexus_store::queries::{
    ConversationFilter, ConversationSort, ConversationSummary, Paging, Search, Snippet, Unsearched,
};
use serde::{Deserialize, Serialize};

use super::store;
use crate::{
    error::PageError,
    view::{Ctx, Fragment, GatewayAddress, Link, Links, Page, Place, Range},
};

const ROWS: u32 = 40;
/// Characters shown before what was found.
const LEAD: usize = 12;
const SORTS: [(&str, &str); 4] =
    [("recent", "Active"), ("tokens", "Tokens"), ("cost", "Cost"), ("requests", "Requests")];
const HAS: [(&str, &str, &str); 5] = [
    ("error", "Errors", "circle-alert"),
    ("branch", "Branches", "git-branch"),
    ("subtask", "Sub-agents", "bot"),
    ("compact", "Compactions", "scissors"),
    ("analysis", "Analysis", "sparkles"),
];

/// The list's own part of the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    pub q: String,
    #[serde(default)]
    pub sort: String,
    pub cursor: Option<String>,
}

/// One conversation, with what the template needs besides its row.
#[derive(Debug, Serialize)]
pub struct ConversationRow {
    #[serde(flatten)]
    pub row: ConversationSummary,
    pub context_share: Option<f64>,
    pub duration_ms: i64,
    pub is_running: bool,
}

#[derive(Debug, Serialize)]
pub struct ConversationsPage {
    rows: Vec<ConversationRow>,
    query: String,
    /// Why the search was not understood.
    error: Option<String>,
    sorts: Vec<Link>,
    has: Vec<Link>,
    next: Option<String>,
    unsearched: Option<Unsearched>,
    first: String,
    is_first: bool,
    is_filtered: bool,
    gateway: GatewayAddress,
}

impl Fragment for ConversationsPage {
    const TEMPLATE: &'static str = "conversations.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let empty = || Self {
            rows: Vec::new(),
            query: String::new(),
            error: None,
            sorts: sorts(&Links::new("/conversations", ""), ""),
            has: has(&Links::new("/conversations", "q=has:error"), "has:error"),
            next: None,
            unsearched: None,
            first: "/conversations".into(),
            is_first: true,
            is_filtered: false,
            gateway: GatewayAddress::default(),
        };
        vec![
            empty(),
            Self {
                error: Some("a quote is opened and not closed".into()),
                query: "\"a".into(),
                ..empty()
            },
            Self { rows: vec![row(sample())], next: Some("?cursor=1".into()), ..empty() },
            Self {
                unsearched: Some(Unsearched::Next),
                next: Some("?cursor=1".into()),
                is_filtered: true,
                ..empty()
            },
            Self { rows: vec![row(sample())], unsearched: Some(Unsearched::Older), ..empty() },
        ]
    }
}

impl Page for ConversationsPage {
    const PLACE: Place = Place::Conversations;
    const RANGE: Range = Range::All;

    fn title(&self) -> String {
        if self.query.is_empty() {
            "Conversations".into()
        } else {
            format!("{} · Conversations", self.query)
        }
    }

    fn query(&self) -> &str {
        &self.query
    }
}

/// `GET /conversations`
pub async fn page(ctx: Ctx, asked: web::Query<ListQuery>) -> Result<HttpResponse, PageError> {
    let (search, error) = match Search::parse(&asked.q, &ctx.zone()) {
        Ok(search) => (search, None),
        Err(error) => (Search::default(), Some(error.to_string())),
    };
    let filter = ConversationFilter {
        domain: ctx.scope.domain().map(str::to_owned),
        account_id: ctx.scope.account().map(str::to_owned),
        // A search looks everywhere unless a range was chosen.
        from: ctx.range::<ConversationsPage>().from(ctx.now()),
        to: None,
        search,
        sort: ConversationSort::parse(&asked.sort).unwrap_or_default(),
    };
    let cursor = asked.cursor.as_deref().map(str::parse).transpose();
    let cursor = cursor.map_err(|error: nexus_store::queries::CursorError| {
        PageError::BadRequest(error.to_string())
    })?;
    let paging = Paging { limit: ROWS, cursor, offset: 0 };
    let listed = match error {
        None => {
            ctx.dashboard.deps.queries.list_conversations(&filter, &paging).await.map_err(store)?
        }
        Some(_) => {
            nexus_store::queries::Page { items: Vec::new(), next_cursor: None, unsearched: None }
        }
    };
    let links = ctx.own_links();
    ctx.page(&ConversationsPage {
        rows: listed.items.into_iter().map(row).collect(),
        sorts: sorts(&links, &asked.sort),
        has: has(&links, &asked.q),
        next: listed.next_cursor.map(|cursor| links.with("cursor", Some(&cursor.to_string()))),
        unsearched: listed.unsearched,
        first: links.with("cursor", None),
        is_first: asked.cursor.is_none(),
        is_filtered: !ctx.scope.query().is_empty() || !asked.q.is_empty(),
        query: asked.q.clone(),
        error,
        gateway: ctx.gateway(),
    })
    .await
}

pub(super) fn row(mut row: ConversationSummary) -> ConversationRow {
    for snippet in &mut row.snippets {
        lead_in(snippet);
    }
    let context_share = row
        .latest_context_tokens
        .filter(|_| row.context_limit > 0)
        .map(|used| super::overview::float(used) / super::overview::float(row.context_limit));
    let span = row.last_message_time.duration_since(row.first_message_time);
    ConversationRow {
        context_share,
        duration_ms: i64::try_from(span.as_millis()).unwrap_or(i64::MAX),
        is_running: row.latest_state.is_none(),
        row,
    }
}

/// A narrow column would show what stands before the match, and not the match.
fn lead_in(snippet: &mut Snippet) {
    if let [before, _, ..] = snippet.parts.as_mut_slice()
        && !before.is_match
    {
        before.text = ending(&before.text);
    }
}

/// The last words of a text, in [`LEAD`] characters.
fn ending(text: &str) -> String {
    let Some((cut, _)) = text.char_indices().rev().nth(LEAD) else { return text.into() };
    let tail = &text[cut..];
    format!("…{}", tail.split_once(' ').map_or(tail, |(_, words)| words))
}

fn sorts(links: &Links, chosen: &str) -> Vec<Link> {
    let chosen = if chosen.is_empty() { "recent" } else { chosen };
    SORTS
        .into_iter()
        .map(|(name, label)| Link {
            href: links.with("sort", (name != "recent").then_some(name)),
            label: label.into(),
            icon: "",
            current: name == chosen,
        })
        .collect()
}

/// Chips that put a condition into the search, or take it out again.
fn has(links: &Links, query: &str) -> Vec<Link> {
    HAS.into_iter()
        .map(|(name, label, icon)| {
            let condition = format!("has:{name}");
            let words: Vec<&str> =
                query.split_whitespace().filter(|word| *word != condition).collect();
            let current = query.split_whitespace().any(|word| word == condition);
            let next = if current {
                words.join(" ")
            } else {
                format!("{} {condition}", words.join(" ")).trim().into()
            };
            Link {
                href: links.with("q", (!next.is_empty()).then_some(&next)),
                label: label.into(),
                icon,
                current,
            }
        })
        .collect()
}

/// For template tests.
#[cfg(test)]
pub(super) fn sample() -> ConversationSummary {
    let id = nexus_contract::ExchangeId::from_external("sample");
    let at = jiff::Timestamp::UNIX_EPOCH;
    ConversationSummary {
        conversation_id: id,
        title: Some("Fix the <failing> test".into()),
        preview: None,
        domain: "example.com".into(),
        account_ids: vec!["acc_1".into()],
        first_message_time: at,
        last_message_time: at,
        request_count: 12,
        message_count: 20,
        input_tokens: 1000,
        output_tokens: 500,
        cache_read_tokens: 90_000,
        cache_creation_tokens: 2000,
        total_tokens: 93_500,
        cost_usd: Some(0.42),
        unpriced_count: 1,
        branch_count: 2,
        subtask_count: 3,
        compact_count: 1,
        error_count: 1,
        models_used: vec!["claude-opus-4-1".into()],
        latest_request_id: Some(id),
        latest_model: Some("claude-opus-4-1".into()),
        latest_context_tokens: Some(150_000),
        context_limit: 200_000,
        context_limit_is_estimate: true,
        latest_state: None,
        has_errors: true,
        snippets: vec![nexus_store::queries::Snippet {
            request_id: id,
            parts: vec![
                nexus_store::queries::SnippetPart { text: "a <b>".into(), is_match: false },
                nexus_store::queries::SnippetPart { text: "match".into(), is_match: true },
            ],
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_stands_near_the_beginning() {
        assert_eq!(ending("…and it leaks a connection when the "), "…when the ");
        assert_eq!(ending("a short one "), "a short one ");
        assert_eq!(ending(&"ö".repeat(40)), format!("…{}", "ö".repeat(LEAD + 1)));
    }
}
