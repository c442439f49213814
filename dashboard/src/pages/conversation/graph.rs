//! The graph tab.

use actix_web::{HttpResponse, web};
use jiff::tz::TimeZone;
use nexus_contract::ExchangeId;
use serde::{Deserialize, Serialize};

use super::{
    data::{self, Loaded},
    detail::{self, Detail},
    head::Head,
};
use crate::{
    error::PageError,
    graph::{self, Drawing, Unfolded},
    view::{Crumb, Ctx, Fragment, Links, Page, Place},
};

/// Height that the first answer draws; what lies beyond is fetched when it comes into view.
const FIRST: f64 = 3600.0;

/// The tab's part of the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct GraphQuery {
    node: Option<ExchangeId>,
    branch: Option<String>,
    /// Sub-agents laid open, comma-separated.
    #[serde(default)]
    tasks: String,
    open: Option<String>,
    close: Option<String>,
    runs: Option<String>,
    #[serde(default)]
    y0: f64,
    y1: Option<f64>,
}

/// A drawn graph, or the part of one that is in view.
#[derive(Debug, Serialize)]
pub struct GraphView {
    pub nodes: String,
    pub minimap: String,
    pub width: f64,
    pub height: f64,
    pub from: f64,
    pub to: f64,
    /// Tool steps are folded in it.
    pub has_runs: bool,
    /// Where further parts are fetched from.
    pub source: String,
}

#[derive(Debug, Serialize)]
pub struct GraphPage {
    head: Head,
    graph: GraphView,
    detail: Option<Detail>,
    runs_open: bool,
    runs_href: String,
    /// New steps are shown and chosen as they come.
    follows: bool,
}

impl Fragment for GraphPage {
    const TEMPLATE: &'static str = "conversation/graph.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let loaded = data::sample();
        let asked = GraphQuery { tasks: "subtask_2".into(), ..GraphQuery::default() };
        let graph = view(&loaded, &asked, &Look::sample());
        let head = Head::of(&loaded, "", Some("main"));
        let detail = Some(Detail::sample());
        vec![Self { head, graph, detail, runs_open: false, runs_href: "#".into(), follows: true }]
    }
}

impl Page for GraphPage {
    const PLACE: Place = Place::Conversations;

    fn title(&self) -> String {
        self.head.title.clone()
    }

    fn crumbs(&self) -> Vec<Crumb> {
        self.head.crumbs()
    }

    fn here(&self) -> String {
        "Graph".into()
    }
}

/// `GET /conversations/{id}`
pub async fn page(
    ctx: Ctx,
    id: web::Path<String>,
    asked: web::Query<GraphQuery>,
) -> Result<HttpResponse, PageError> {
    let loaded = data::load(&ctx, &id).await?;
    let address = format!("/conversations/{}", loaded.id());
    let links = Links::new(&address, &carried(&asked, &ctx.scope.query()));
    let asked_node = asked.node;
    let selected = asked.node.or_else(|| newest(&loaded, asked.branch.as_deref()));
    let query = GraphQuery { node: selected, ..asked.into_inner() };
    let graph = view(&loaded, &query, &Look::of(&ctx));
    let detail = match selected.and_then(|id| loaded.find(id)) {
        Some(node) => Some(detail::load(&ctx, &loaded, node).await?),
        None => None,
    };
    let is_running = loaded.graph.conversation.latest_state.is_none();
    ctx.page(&GraphPage {
        follows: is_running && asked_node.is_none(),
        head: Head::of(&loaded, "", query.branch.as_deref()),
        graph,
        detail,
        runs_open: query.runs.is_some(),
        runs_href: links.with("runs", query.runs.is_none().then_some("1")),
    })
    .await
}

/// `GET /conversations/{id}/graph`: the nodes between two heights, as SVG.
pub async fn window(
    ctx: Ctx,
    id: web::Path<String>,
    asked: web::Query<GraphQuery>,
) -> Result<HttpResponse, PageError> {
    let loaded = data::load(&ctx, &id).await?;
    let view = view(&loaded, &asked, &Look::of(&ctx));
    let newest = newest(&loaded, asked.branch.as_deref());
    let svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" data-width="{}" data-height="{}" data-newest="{}" data-runs="{}">{}</svg>"#,
        view.width,
        view.height,
        newest.map(|id| id.to_string()).unwrap_or_default(),
        view.has_runs,
        view.nodes
    );
    Ok(HttpResponse::Ok().insert_header(("content-type", "image/svg+xml")).body(svg))
}

fn newest(loaded: &Loaded, branch: Option<&str>) -> Option<ExchangeId> {
    let chosen =
        branch.and_then(|id| loaded.graph.branches.iter().find(|branch| branch.branch_id == id));
    chosen.map(|branch| branch.latest_request_id).or(loaded.graph.conversation.latest_request_id)
}

/// The open sub-agents after a click on one of them.
fn open_tasks(asked: &GraphQuery) -> Vec<String> {
    let mut tasks: Vec<String> =
        asked.tasks.split(',').filter(|task| !task.is_empty()).map(str::to_owned).collect();
    tasks.retain(|task| Some(task) != asked.close.as_ref());
    tasks.extend(asked.open.clone().filter(|open| !tasks.contains(open)));
    tasks.truncate(200);
    tasks
}

/// What every link of the graph carries on; the scope, too, that the page came with.
fn carried(asked: &GraphQuery, scope: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(url::form_urlencoded::parse(scope.as_bytes()));
    let tasks = open_tasks(asked);
    if !tasks.is_empty() {
        query.append_pair("tasks", &tasks.join(","));
    }
    if let Some(branch) = &asked.branch {
        query.append_pair("branch", branch);
    }
    if asked.runs.is_some() {
        query.append_pair("runs", "1");
    }
    query.finish()
}

/// What a graph takes from the page around it.
struct Look {
    scope: String,
    sprite: String,
    zone: TimeZone,
}

impl Look {
    fn of(ctx: &Ctx) -> Self {
        Self {
            scope: ctx.scope.query(),
            sprite: ctx.dashboard.assets.url("icons.svg").into(),
            zone: ctx.clock_zone(),
        }
    }

    #[cfg(test)]
    fn sample() -> Self {
        Self {
            scope: crate::view::SAMPLE_SCOPE.into(),
            sprite: "/assets/icons.svg".into(),
            zone: TimeZone::UTC,
        }
    }
}

fn view(loaded: &Loaded, asked: &GraphQuery, look: &Look) -> GraphView {
    let mut carried = carried(asked, &look.scope);
    if !carried.is_empty() {
        carried.push('&');
    }
    let nodes = loaded.nodes();
    let unfolded = Unfolded {
        tasks: open_tasks(asked).into_iter().collect(),
        runs: asked.runs.is_some(),
        node: asked.node,
    };
    let plan = graph::plan(&nodes, &unfolded);
    let layout = graph::layout(&plan.items);
    let (from, to) = match asked.y1 {
        Some(y1) => (asked.y0, y1.clamp(asked.y0, asked.y0 + 4.0 * FIRST)),
        None => first_window(&layout, asked.node),
    };
    let base = format!("/conversations/{}?{}", loaded.id(), escape_amp(&carried));
    let detail = format!("/conversations/{}/detail", loaded.id());
    let how = Drawing {
        base: &base,
        detail: &detail,
        sprite: &look.sprite,
        selected: asked.node,
        branch: asked.branch.as_deref(),
        zone: &look.zone,
        from,
        to,
    };
    let node = asked.node.map(|node| format!("node={node}")).unwrap_or_default();
    GraphView {
        nodes: graph::draw(&layout, &how),
        minimap: if layout.height > 2.0 * FIRST { graph::minimap(&layout) } else { String::new() },
        width: layout.width,
        height: layout.height,
        from,
        to,
        has_runs: plan.has_runs(),
        source: format!("/conversations/{}/graph?{carried}{node}", loaded.id()),
    }
}

/// Addresses stand in attributes, where an ampersand has to be written out.
fn escape_amp(query: &str) -> String {
    query.replace('&', "&amp;")
}

/// The window around the selected node.
fn first_window(layout: &graph::Layout<'_>, selected: Option<ExchangeId>) -> (f64, f64) {
    let at = layout.placed.iter().find_map(|placed| match placed {
        graph::Placed::Item { item, rect, .. } if Some(item.node().id) == selected => Some(rect.y),
        _ => None,
    });
    let middle = at.unwrap_or(0.0);
    let from = (middle - FIRST / 2.0).min(layout.height - FIRST).max(0.0);
    (from, from + FIRST)
}
