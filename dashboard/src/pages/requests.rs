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
/// Values of the filters and how they are called; the empty one is all.
const TYPES: [(&str, &str); 4] =
    [("", "Any type"), ("inference", "Inference"), ("auxiliary", "Auxiliary"), ("quota", "Quota")];
const STATES: [(&str, &str); 8] = [
    ("", "Any state"),
    ("completed", "Completed"),
    ("upstream_error", "Upstream error"),
    ("upstream_cut", "Cut off"),
    ("client_aborted", "Client left"),
    ("timed_out", "Timed out"),
    ("refused", "Refused"),
    ("aborted", "Aborted"),
];
const KINDS: [(&str, &str); 7] = [
    ("", "Any role"),
    ("root", "First"),
    ("turn", "Turn"),
    ("subagent", "Sub-agent"),
    ("compact", "After compaction"),
    ("attempt", "Attempt"),
    ("auxiliary", "Auxiliary role"),
];
const STATUSES: [(&str, &str); 6] = [
    ("", "Any status"),
    ("2xx", "2xx"),
    ("4xx", "4xx"),
    ("429", "429"),
    ("5xx", "5xx"),
    ("529", "529"),
];

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
    /// What narrows the list, each as a link to the list without it.
    filters: Vec<Link>,
    is_first: bool,
}

impl Fragment for RequestsPage {
    const TEMPLATE: &'static str = "requests.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let asked = ListQuery {
            q: "<it> tool:Bash".into(),
            model: "opus".into(),
            state: "completed".into(),
            ..ListQuery::default()
        };
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
    let types = options(&TYPES, &asked.kind_of_request);
    let states = options(&STATES, &asked.state);
    let kinds = options(&KINDS, &asked.kind);
    let statuses = options(&STATUSES, &asked.status);
    let filters = [
        filter_link(links, "q", "search", &asked.q),
        filter_link(links, "model", "filter", &asked.model),
        filter_link(links, "type", "filter", named(&types, &asked.kind_of_request)),
        filter_link(links, "state", "filter", named(&states, &asked.state)),
        filter_link(links, "status", "filter", named(&statuses, &asked.status)),
        filter_link(links, "kind", "filter", named(&kinds, &asked.kind)),
    ];
    RequestsPage {
        rows: listed.items,
        query: asked.q.clone(),
        model: asked.model.clone(),
        sort: asked.sort.clone(),
        error,
        types,
        states,
        kinds,
        statuses,
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
        filters: filters.into_iter().flatten().collect(),
        is_first: asked.cursor.is_none(),
    }
}

/// The list without the condition, named by what was chosen; none when nothing was.
fn filter_link(links: &Links, name: &str, icon: &'static str, label: &str) -> Option<Link> {
    let label = label.trim();
    (!label.is_empty()).then(|| Link {
        href: links.with(name, None),
        label: label.into(),
        icon,
        current: true,
    })
}

/// How what was asked for is called, if it was: an address can name what no option does.
fn named<'a>(options: &[Choice], asked: &'a str) -> &'a str {
    let chosen = options.iter().find(|option| option.selected && !asked.is_empty());
    chosen.map_or(asked, |option| option.label)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assets::Assets,
        view::{Chrome, Views},
    };

    const MOST: usize = 150 * 1024;

    fn nothing() -> nexus_store::queries::Page<RequestSummary> {
        nexus_store::queries::Page { items: Vec::new(), next_cursor: None, unsearched: None }
    }

    fn render(page: &RequestsPage) -> String {
        let assets = Assets::load().expect("built");
        let views = Views::load(&assets).expect("valid templates");
        views.render(page, &Chrome::sample(Place::Requests)).expect("rendered")
    }

    #[test]
    fn each_filter_is_shown_and_can_be_taken_back() {
        let asked = ListQuery {
            q: " tool:Bash ".into(),
            model: "opus".into(),
            state: "upstream_cut".into(),
            status: "404".into(),
            ..ListQuery::default()
        };
        let address = "q=tool:Bash&model=opus&state=upstream_cut&status=404&cursor=7";
        let links = Links::new("/requests", address);
        let page = build(nothing(), None, &asked, &links);
        let shown: Vec<_> = page.filters.iter().map(|one| (&*one.label, &*one.href)).collect();
        assert_eq!(
            shown,
            [
                ("tool:Bash", "/requests?model=opus&state=upstream_cut&status=404"),
                ("opus", "/requests?q=tool%3ABash&state=upstream_cut&status=404"),
                ("Cut off", "/requests?q=tool%3ABash&model=opus&status=404"),
                ("404", "/requests?q=tool%3ABash&model=opus&state=upstream_cut"),
            ]
        );
        let html = render(&page);
        assert!(html.contains(r#"<span class="count">4</span>"#));
        assert!(html.contains(r#"aria-label="Remove the filter tool:Bash""#));
        assert!(build(nothing(), None, &ListQuery::default(), &links).filters.is_empty());
    }

    #[test]
    fn many_tools_with_long_names_stay_within_the_budget_of_a_page() {
        let name = |number: usize| format!("mcp__{number:02}__{}", "long_name_".repeat(6));
        let long = |text: &str| Some(text.repeat(200 / text.len()));
        let row = |has_prompt: bool| RequestSummary {
            tool_names: (0..20).map(|number| name(number).chars().take(60).collect()).collect(),
            prompt: long("a prompt. ").filter(|_| has_prompt),
            preview: long("an answer "),
            error: None,
            state: Some(TerminalState::Completed),
            ..sample()
        };
        let items = (0..ROWS).map(|index| row(index.is_multiple_of(2))).collect();
        let listed = nexus_store::queries::Page { items, ..nothing() };
        let links = Links::new("/requests", "");
        let html = render(&build(listed, None, &ListQuery::default(), &links));
        assert!(html.len() <= MOST, "{} bytes", html.len());
        assert!(html.contains("mcp__00__long_name_long_… +19"), "the first, and how many more");
    }

    #[test]
    fn a_tooltip_says_more_of_the_tools_than_their_cell() {
        let page = |tools: &[&str]| {
            let tool_names = tools.iter().map(|&name| name.to_owned()).collect();
            let items = vec![RequestSummary { tool_names, ..sample() }];
            let listed = nexus_store::queries::Page { items, ..nothing() };
            render(&build(listed, None, &ListQuery::default(), &Links::new("/requests", "")))
        };
        let few = page(&["Agent", "Agent"]);
        assert!(few.contains("Agent ×2<") && !few.contains(r#"title="Agent ×2""#));
        let many = page(&["Bash", "Read", "Edit", "Write", "Grep", "TodoWrite"]);
        assert!(many.contains("Bash, Read, Edit, Write +2<"));
        assert!(many.contains(r#"title="Bash, Read, Edit, Write, Grep, TodoWrite""#));
    }
}
