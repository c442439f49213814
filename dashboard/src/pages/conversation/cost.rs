//! The cost tab: where the money went, and why the cache missed.

use std::collections::{HashMap, HashSet};

use actix_web::{HttpResponse, web};
use jiff::{SignedDuration, tz::TimeZone};
use nexus_contract::ExchangeId;
use nexus_store::queries::{BranchSummary, ConversationGraph, ExchangeKind, GraphNode};
use serde::{Deserialize, Serialize};

use super::{
    data,
    head::Head,
    kind::{Kind, Mark},
};
use crate::{
    chart::{self, Chart, Data, Flame, Series, Unit},
    error::PageError,
    pages::overview::float,
    view::{Crumb, Ctx, Fragment, Page, Place, format, scoped},
};

/// A cached prefix lives five minutes unless it was written for an hour.
const TTL: SignedDuration = SignedDuration::from_mins(5);
/// A turn that reads less than this share of what its parent had cached missed the cache.
const HIT: f64 = 0.5;
/// Contexts below this are not cached at all.
const CACHEABLE: u64 = 2048;
const MISSES: usize = 40;
/// Branches listed, the dearest first.
const BRANCHES: usize = 50;
/// Turns of the hit-rate chart.
const TURNS: usize = 200;

#[derive(Debug, Default, Deserialize)]
pub struct CostQuery {
    branch: Option<String>,
}

/// A turn that paid for what could have been cached.
#[derive(Debug, Serialize)]
struct Miss {
    id: ExchangeId,
    parent: ExchangeId,
    at: jiff::Timestamp,
    label: String,
    branch: String,
    /// Tokens that were not read from the cache though its parent had them there.
    tokens: u64,
    reason: String,
    /// The reason is a guess from the figures: the comparison shows the block.
    look: bool,
}

/// A branch as the table lists it.
#[derive(Debug, Serialize)]
struct Row {
    branch: BranchSummary,
    mark: Mark,
    /// In US dollars, with what left it; `None` when nothing did, or no price is known of these.
    total: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct CostPage {
    head: Head,
    flame: String,
    /// What the colours of the picture mean.
    marks: Vec<Mark>,
    branches: Vec<Row>,
    branches_left: usize,
    hits: Chart,
    misses: Vec<Miss>,
    known: bool,
}

impl Fragment for CostPage {
    const TEMPLATE: &'static str = "conversation/cost.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        vec![build(&data::sample(), &Look::sample())]
    }
}

impl Page for CostPage {
    const PLACE: Place = Place::Conversations;

    fn title(&self) -> String {
        format!("{} · Cost", self.head.title)
    }

    fn crumbs(&self) -> Vec<Crumb> {
        self.head.crumbs()
    }

    fn here(&self) -> String {
        "Cost".into()
    }
}

/// `GET /conversations/{id}/cost`
pub async fn page(
    ctx: Ctx,
    id: web::Path<String>,
    asked: web::Query<CostQuery>,
) -> Result<HttpResponse, PageError> {
    let loaded = data::load(&ctx, &id).await?;
    let branch = asked.branch.as_deref();
    let look = Look { branch, zone: ctx.clock_zone(), scope: ctx.scope.query() };
    ctx.page(&build(&loaded, &look)).await
}

/// How the viewer looks at the conversation.
struct Look<'a> {
    branch: Option<&'a str>,
    zone: TimeZone,
    scope: String,
}

#[cfg(test)]
impl Look<'static> {
    fn sample() -> Self {
        Self { branch: None, zone: TimeZone::UTC, scope: crate::view::SAMPLE_SCOPE.into() }
    }
}

fn build(loaded: &data::Loaded, look: &Look<'_>) -> CostPage {
    let (graph, branch) = (&loaded.graph, look.branch);
    let root = tree(loaded, &look.scope);
    CostPage {
        head: Head::of(loaded, "cost", branch),
        known: root.total() > 0.0,
        marks: marks(&graph.branches),
        flame: chart::flame("Cost by branch and sub-agent", &root, Unit::Usd),
        hits: hits(graph, branch, &look.zone),
        misses: misses(graph, branch),
        branches_left: graph.branches.len().saturating_sub(BRANCHES),
        branches: dearest(&graph.branches, &totals(&root)),
    }
}

/// The kinds that there are, each once.
fn marks(branches: &[BranchSummary]) -> Vec<Mark> {
    let kinds: Vec<Kind> = branches.iter().map(Kind::of).collect();
    Kind::ALL.into_iter().filter(|kind| kinds.contains(kind)).map(Kind::mark).collect()
}

fn dearest(branches: &[BranchSummary], totals: &HashMap<&str, f64>) -> Vec<Row> {
    let cost = |branch: &BranchSummary| branch.cost_usd.unwrap_or(0.0);
    let mut dearest: Vec<&BranchSummary> = branches.iter().collect();
    dearest.sort_by(|a, b| cost(b).total_cmp(&cost(a)));
    dearest.truncate(BRANCHES);
    let row = |branch: &BranchSummary| {
        let total = totals.get(branch.branch_id.as_str()).copied();
        Row {
            mark: Kind::of(branch).mark(),
            total: total.filter(|total| branch.cost_usd.is_some() || *total > 0.0),
            branch: branch.clone(),
        }
    };
    dearest.into_iter().map(row).collect()
}

/// What each branch that others left cost with them.
fn totals(root: &Flame) -> HashMap<&str, f64> {
    let mut totals = HashMap::new();
    let mut rest = vec![root];
    while let Some(flame) = rest.pop() {
        if !flame.children.is_empty() {
            totals.insert(flame.label.as_str(), flame.total());
        }
        rest.extend(&flame.children);
    }
    totals
}

/// Branches and sub-agents under the branch that they left.
fn tree(loaded: &data::Loaded, scope: &str) -> Flame {
    let graph = &loaded.graph;
    let known: HashSet<&str> =
        graph.branches.iter().map(|branch| branch.branch_id.as_str()).collect();
    let mut children: HashMap<Option<&str>, Vec<&BranchSummary>> = HashMap::new();
    for branch in &graph.branches {
        let parent = branch.parent_branch_id.as_deref();
        let parent = parent.filter(|parent| known.contains(parent) && *parent != branch.branch_id);
        children.entry(parent).or_default().push(branch);
    }
    let conversation = format!("/conversations/{}", loaded.id());
    let address =
        |branch: &str| scoped(&format!("{conversation}?branch={}", format::encoded(branch)), scope);
    let mut roots = branches_below(None, &mut children, &address);
    match roots.len() {
        1 => roots.remove(0),
        _ => Flame {
            label: "conversation".into(),
            kind: "all branches",
            colour: "whole",
            own: 0.0,
            href: scoped(&conversation, scope),
            children: roots,
        },
    }
}

/// Each list is taken out once, so that a cycle, which a store never holds, would end.
fn branches_below<'a>(
    parent: Option<&'a str>,
    children: &mut HashMap<Option<&'a str>, Vec<&'a BranchSummary>>,
    address: &impl Fn(&str) -> String,
) -> Vec<Flame> {
    let below = children.remove(&parent).unwrap_or_default();
    below
        .into_iter()
        .map(|branch| Flame {
            label: branch.branch_id.clone(),
            kind: Kind::of(branch).mark().name,
            colour: Kind::of(branch).mark().colour,
            own: branch.cost_usd.unwrap_or(0.0),
            href: address(&branch.branch_id),
            children: branches_below(Some(&branch.branch_id), children, address),
        })
        .collect()
}

fn of_branch<'a>(
    graph: &'a ConversationGraph,
    branch: Option<&'a str>,
) -> impl Iterator<Item = &'a GraphNode> {
    graph.nodes.iter().filter(move |node| {
        node.kind != Some(ExchangeKind::Auxiliary)
            && node.tokens.context() > 0
            && branch.is_none_or(|branch| node.branch_id.as_deref() == Some(branch))
    })
}

fn hits(graph: &ConversationGraph, branch: Option<&str>, zone: &TimeZone) -> Chart {
    let main = graph.branches.first().map(|branch| branch.branch_id.as_str());
    let nodes: Vec<&GraphNode> = of_branch(graph, branch.or(main)).collect();
    let nodes = &nodes[nodes.len().saturating_sub(TURNS)..];
    let share = |node: &&GraphNode| float(node.tokens.cache_read) / float(node.tokens.context());
    chart::lines(&Data {
        title: "Share of the context read from the cache, by turn".into(),
        unit: Unit::Percent,
        series: vec![Series::new("Cache hit rate", nodes.iter().map(share).collect())],
        labels: nodes.iter().map(|node| format::clock(node.timestamp, zone)).collect(),
        limit: None,
    })
}

fn misses(graph: &ConversationGraph, branch: Option<&str>) -> Vec<Miss> {
    let by_id: HashMap<ExchangeId, &GraphNode> =
        graph.nodes.iter().map(|node| (node.request_id, node)).collect();
    let turns = of_branch(graph, branch)
        .filter_map(|node| Some((node, *by_id.get(&node.parent_request_id?)?)));
    turns.filter_map(|(node, parent)| miss(node, parent)).take(MISSES).collect()
}

fn miss(node: &GraphNode, parent: &GraphNode) -> Option<Miss> {
    let had = parent.tokens.cache_read + parent.tokens.cache_creation;
    if had < CACHEABLE || float(node.tokens.cache_read) >= float(had) * HIT {
        return None;
    }
    let (reason, look) = reason(node, parent);
    Some(Miss {
        id: node.request_id,
        parent: parent.request_id,
        at: node.timestamp,
        label: data::label(node),
        branch: node.branch_id.clone().unwrap_or_default(),
        tokens: had.saturating_sub(node.tokens.cache_read),
        reason,
        look,
    })
}

fn reason(node: &GraphNode, parent: &GraphNode) -> (String, bool) {
    if node.kind == Some(ExchangeKind::Compact) {
        return ("the history was replaced by a summary".into(), false);
    }
    if let (Some(model), Some(before)) = (&node.model, &parent.model)
        && model != before
    {
        return (format!("another model: {before} before, {model} now"), false);
    }
    let since = node.timestamp.duration_since(parent.timestamp);
    if since > TTL {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds for display")]
        let since = format::duration(since.as_millis() as f64);
        return (format!("the cache had expired: {since} after the turn before"), false);
    }
    ("something before the end changed: system prompt, tools or an earlier block".into(), true)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_branch_is_led_to_by_whatever_name() {
        let mut graph = (*data::sample().graph).clone();
        graph.branches[1].branch_id = "a b&c".into();
        let page = build(&data::Loaded { graph: Arc::new(graph) }, &Look::sample());
        let assets = crate::assets::Assets::load().expect("built");
        let views = crate::view::Views::load(&assets).expect("valid templates");
        let chrome = crate::view::Chrome::sample(Place::Conversations);
        let html = views.render(&page, &chrome).expect("rendered");
        // A box of the picture, and a row of the table.
        for tab in ["", "/cost"] {
            let address = format!("\"/conversations/{}{tab}?branch=a%20b%26c&amp;", page.head.id);
            assert!(html.contains(&address), "{address}");
        }
    }

    #[test]
    fn the_table_says_what_the_picture_shows() {
        let loaded = data::sample();
        let page = build(&loaded, &Look::sample());
        let names: Vec<_> = page.marks.iter().map(|mark| mark.name).collect();
        assert_eq!(names, ["main branch", "other branch", "after a compaction", "sub-agent"]);
        for mark in &page.marks {
            let bar = format!("class=\"bar {}\"", mark.colour);
            assert!(page.flame.contains(&bar), "{bar}");
        }
        let all: f64 = loaded.graph.branches.iter().filter_map(|branch| branch.cost_usd).sum();
        let row = |name: &str| {
            page.branches.iter().find(|row| row.branch.branch_id == name).expect("a row")
        };
        assert!((row("main").total.expect("a total") - all).abs() < 1e-9);
        assert_eq!(row("subtask_1").total, None, "nothing is below it");
        assert_eq!(row("subtask_1").mark.icon, "bot");
    }

    #[test]
    fn a_missed_cache_has_a_reason() {
        let mut parent = data::sample().graph.nodes[0].clone();
        parent.tokens.cache_read = 50_000;
        let mut node = parent.clone();
        node.tokens.cache_read = 0;
        assert!(miss(&node, &parent).expect("missed").look);
        node.timestamp = parent.timestamp + SignedDuration::from_mins(20);
        assert!(miss(&node, &parent).expect("missed").reason.contains("20 m 00 s"));
        node.model = Some("other".into());
        assert!(miss(&node, &parent).expect("missed").reason.contains("another model"));
        node.tokens.cache_read = 40_000;
        assert!(miss(&node, &parent).is_none());
    }
}
