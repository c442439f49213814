//! Requests: every exchange, filtered and sorted.

use actix_web::{HttpResponse, web};
use nexus_contract::TerminalState;
use nexus_messages::RequestType;
use nexus_store::queries::{
    ExchangeKind, Paging, RequestFilter, RequestSort, RequestSummary, Search, StatusFilter,
    Unsearched,
};
use serde::{Deserialize, Serialize};

use super::store;
use crate::{
    error::PageError,
    view::{Ctx, Fragment, Link, Links, Page, Place, Range},
};

const ROWS: u32 = 60;

/// The list's own part of the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    model: String,
    #[serde(default, rename = "type")]
    kind_of_request: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    sort: String,
    cursor: Option<String>,
}

/// One choice of a filter.
#[derive(Debug, Serialize)]
pub struct Choice {
    value: &'static str,
    label: &'static str,
    selected: bool,
}

#[derive(Debug, Serialize)]
pub struct RequestsPage {
    rows: Vec<RequestSummary>,
    query: String,
    model: String,
    sort: String,
    error: Option<String>,
    types: Vec<Choice>,
    states: Vec<Choice>,
    kinds: Vec<Choice>,
    statuses: Vec<Choice>,
    sorts: Vec<Link>,
    next: Option<String>,
    unsearched: Option<Unsearched>,
    first: String,
    active_filters: usize,
    is_first: bool,
}

impl Fragment for RequestsPage {
    const TEMPLATE: &'static str = "requests.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let asked =
            ListQuery { model: "opus".into(), state: "completed".into(), ..ListQuery::default() };
        let page = |items, next_cursor, unsearched| {
            let listed = nexus_store::queries::Page { items, next_cursor, unsearched };
            build(listed, None, &asked, &Links::new("/requests", ""))
        };
        let id = nexus_contract::ExchangeId::from_external("sample");
        let cursor = Some(nexus_store::queries::Cursor { value: 1, id });
        vec![
            page(Vec::new(), None, None),
            page(vec![sample()], cursor, None),
            page(Vec::new(), cursor, Some(Unsearched::Next)),
            page(vec![sample()], None, Some(Unsearched::Older)),
        ]
    }
}

impl Page for RequestsPage {
    const PLACE: Place = Place::Requests;
    const RANGE: Range = Range::All;

    fn title(&self) -> String {
        "Requests".into()
    }
}

/// `GET /requests`
pub async fn page(ctx: Ctx, asked: web::Query<ListQuery>) -> Result<HttpResponse, PageError> {
    let (search, error) = match Search::parse(&asked.q, &ctx.zone()) {
        Ok(search) => (search, None),
        Err(error) => (Search::default(), Some(error.to_string())),
    };
    let filter = filter(&ctx, &asked, search);
    let cursor = asked.cursor.as_deref().map(str::parse).transpose();
    let cursor = cursor.map_err(|error: nexus_store::queries::CursorError| {
        PageError::BadRequest(error.to_string())
    })?;
    let paging = Paging { limit: ROWS, cursor, offset: 0 };
    let listed = ctx.dashboard.deps.queries.list_requests(&filter, &paging).await.map_err(store)?;
    ctx.page(&build(listed, error, &asked, &ctx.own_links())).await
}

fn filter(ctx: &Ctx, asked: &ListQuery, search: Search) -> RequestFilter {
    RequestFilter {
        domain: ctx.scope.domain().map(str::to_owned),
        account_id: ctx.scope.account().map(str::to_owned),
        model: Some(asked.model.trim().to_owned()).filter(|model| !model.is_empty()),
        request_type: RequestType::ALL
            .into_iter()
            .find(|kind| kind.as_str() == asked.kind_of_request),
        status: StatusFilter::parse(&asked.status),
        state: TerminalState::parse(&asked.state),
        kind: ExchangeKind::parse(&asked.kind),
        from: ctx.range::<RequestsPage>().from(ctx.now()),
        search,
        sort: RequestSort::parse(&asked.sort).unwrap_or_default(),
        ..RequestFilter::default()
    }
}

fn build(
    listed: nexus_store::queries::Page<RequestSummary>,
    error: Option<String>,
    asked: &ListQuery,
    links: &Links,
) -> RequestsPage {
    let chosen = [&asked.model, &asked.kind_of_request, &asked.status, &asked.state, &asked.kind];
    RequestsPage {
        rows: listed.items,
        query: asked.q.clone(),
        model: asked.model.clone(),
        sort: asked.sort.clone(),
        error,
        types: options(
            &[
                ("", "Any type"),
                ("inference", "Inference"),
                ("auxiliary", "Auxiliary"),
                ("quota", "Quota"),
            ],
            &asked.kind_of_request,
        ),
        states: options(
            &[
                ("", "Any state"),
                ("completed", "Completed"),
                ("upstream_error", "Upstream error"),
                ("upstream_cut", "Cut off"),
                ("client_aborted", "Client left"),
                ("timed_out", "Timed out"),
                ("refused", "Refused"),
                ("aborted", "Aborted"),
            ],
            &asked.state,
        ),
        kinds: options(
            &[
                ("", "Any role"),
                ("root", "First"),
                ("turn", "Turn"),
                ("subagent", "Sub-agent"),
                ("compact", "After compaction"),
                ("attempt", "Attempt"),
                ("auxiliary", "Auxiliary"),
            ],
            &asked.kind,
        ),
        statuses: options(
            &[
                ("", "Any status"),
                ("2xx", "2xx"),
                ("4xx", "4xx"),
                ("429", "429"),
                ("5xx", "5xx"),
                ("529", "529"),
            ],
            &asked.status,
        ),
        sorts: [("time", "When"), ("cost", "Cost"), ("duration", "Duration")]
            .into_iter()
            .map(|(name, label)| Link {
                href: links.with("sort", (name != "time").then_some(name)),
                label: label.into(),
                icon: "",
                current: asked.sort == name || asked.sort.is_empty() && name == "time",
            })
            .collect(),
        next: listed.next_cursor.map(|cursor| links.with("cursor", Some(&cursor.to_string()))),
        unsearched: listed.unsearched,
        first: links.with("cursor", None),
        active_filters: chosen.into_iter().filter(|value| !value.is_empty()).count(),
        is_first: asked.cursor.is_none(),
    }
}

fn options(all: &[(&'static str, &'static str)], chosen: &str) -> Vec<Choice> {
    all.iter().map(|&(value, label)| Choice { value, label, selected: value == chosen }).collect()
}

/// For template tests.
#[cfg(test)]
pub(super) fn sample() -> RequestSummary {
    let id = nexus_contract::ExchangeId::from_external("sample");
    RequestSummary {
        request_id: id,
        external_id: Some("s01".into()),
        domain: "example.com".into(),
        account_id: Some("acc_1".into()),
        model: Some("claude-sonnet-4-5".into()),
        timestamp: jiff::Timestamp::UNIX_EPOCH,
        input_tokens: Some(10),
        output_tokens: Some(20),
        cache_read_tokens: Some(30),
        cache_creation_tokens: Some(40),
        cache_creation_1h_tokens: Some(0),
        cost_usd: None,
        duration_ms: Some(1200),
        first_token_ms: Some(300),
        response_status: Some(529),
        state: Some(TerminalState::UpstreamError),
        request_type: Some(RequestType::Inference),
        streamed: Some(true),
        message_count: Some(3),
        tool_count: Some(17),
        conversation_id: Some(id),
        branch_id: Some("main".into()),
        kind: Some(ExchangeKind::Turn),
        parent_request_id: Some(id),
        parent_task_request_id: None,
        agent_id: None,
        is_subtask: false,
        prompt: Some("Fix <it>".into()),
        preview: Some("Done".into()),
        tool_names: vec!["Bash".into(), "<b>hi</b>".into(), "Bash".into()],
        stop_reason: Some("tool_use".into()),
        error: Some("overloaded".into()),
    }
}
