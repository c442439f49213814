//! The timeline tab: a waterfall of model, tool and waiting time.

use std::collections::HashMap;

use actix_web::{HttpResponse, http::StatusCode, web};
use nexus_contract::ExchangeId;
use nexus_store::queries::{ExchangeKind, GraphNode};
use serde::{Deserialize, Serialize};

use super::{data, head::Head};
use crate::{
    chart::{self, Bar, BarKind},
    error::PageError,
    pages::overview::float,
    view::{Crumb, Ctx, Fragment, Page, Place, format, scoped},
};

/// Exchanges drawn at once; a longer conversation is looked at in parts.
const STEPS: usize = 120;

#[derive(Debug, Default, Deserialize)]
pub struct TimelineQuery {
    branch: Option<String>,
    start: Option<usize>,
}

#[derive(Debug, Serialize)]
pub struct TimelinePage {
    head: Head,
    svg: String,
    rows: Vec<StepRow>,
    from: usize,
    to: usize,
    total: usize,
    /// To both ends, where they are more than a step of these away.
    first: Option<String>,
    earlier: Option<String>,
    later: Option<String>,
    last: Option<String>,
    /// It was asked to begin behind the last step.
    is_beyond: bool,
}

/// The same as a table.
#[derive(Debug, Serialize)]
struct StepRow {
    id: ExchangeId,
    label: String,
    branch: String,
    at: jiff::Timestamp,
    duration_ms: Option<u64>,
    first_token_ms: Option<u64>,
}

impl Fragment for TimelinePage {
    const TEMPLATE: &'static str = "conversation/timeline.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let page = |start| {
            let asked = TimelineQuery { branch: None, start };
            build(&data::sample(), &asked, crate::view::SAMPLE_SCOPE)
        };
        vec![page(None), page(Some(9999))]
    }
}

impl Page for TimelinePage {
    const PLACE: Place = Place::Conversations;

    fn title(&self) -> String {
        format!("{} · Timeline", self.head.title)
    }

    fn crumbs(&self) -> Vec<Crumb> {
        self.head.crumbs()
    }

    fn here(&self) -> String {
        "Timeline".into()
    }
}

/// `GET /conversations/{id}/timeline`
pub async fn page(
    ctx: Ctx,
    id: web::Path<String>,
    asked: web::Query<TimelineQuery>,
) -> Result<HttpResponse, PageError> {
    let loaded = data::load(&ctx, &id).await?;
    let page = build(&loaded, &asked, &ctx.scope.query());
    let status = if page.is_beyond { StatusCode::NOT_FOUND } else { StatusCode::OK };
    ctx.page_with(&page, status).await
}

fn build(loaded: &data::Loaded, asked: &TimelineQuery, scope: &str) -> TimelinePage {
    let wanted = |node: &&GraphNode| {
        node.kind != Some(ExchangeKind::Auxiliary)
            && asked.branch.as_ref().is_none_or(|branch| node.branch_id.as_ref() == Some(branch))
    };
    let steps: Vec<&GraphNode> = loaded.graph.nodes.iter().filter(wanted).collect();
    let total = steps.len();
    let is_beyond = asked.start.is_some_and(|start| start > 0 && start >= total);
    let from = asked.start.unwrap_or(total.saturating_sub(STEPS)).min(total);
    let to = (from + STEPS).min(total);
    let shown = &steps[from..to];
    let lanes = lanes(shown);
    let bars = bars(shown, &lanes, &|id: ExchangeId| {
        scoped(&format!("/conversations/{}?node={id}", loaded.id()), scope)
    });
    let address = |start: usize| {
        let branch = asked.branch.as_deref();
        let branch = branch.map(|branch| format!("branch={}&", format::encoded(branch)));
        format!(
            "/conversations/{}/timeline?{}start={start}",
            loaded.id(),
            branch.unwrap_or_default()
        )
    };
    TimelinePage {
        head: Head::of(loaded, "timeline", asked.branch.as_deref()),
        svg: chart::waterfall("Model, tool and waiting time", &lanes, &bars),
        rows: shown.iter().map(|node| row(node)).collect(),
        from: from + 1,
        to,
        total,
        first: (from > STEPS || is_beyond).then(|| address(0)),
        earlier: (from > 0).then(|| address(from.saturating_sub(STEPS))),
        later: (to < total).then(|| address(to)),
        last: (to + STEPS < total).then(|| address(total - STEPS)),
        is_beyond,
    }
}

fn row(node: &GraphNode) -> StepRow {
    StepRow {
        id: node.request_id,
        label: data::label(node),
        branch: branch(node).into(),
        at: node.timestamp,
        duration_ms: node.duration_ms,
        first_token_ms: node.first_token_ms,
    }
}

fn branch(node: &GraphNode) -> &str {
    node.branch_id.as_deref().unwrap_or("main")
}

/// Branches in the order in which they begin.
fn lanes(nodes: &[&GraphNode]) -> Vec<String> {
    let mut lanes: Vec<String> = Vec::new();
    for node in nodes {
        if !lanes.iter().any(|lane| lane == branch(node)) {
            lanes.push(branch(node).to_owned());
        }
    }
    lanes
}

/// Each bar leads to the `address` of its step.
fn bars(
    nodes: &[&GraphNode],
    lanes: &[String],
    address: &impl Fn(ExchangeId) -> String,
) -> Vec<Bar> {
    let Some(zero) = nodes.iter().map(|node| node.timestamp.as_millisecond()).min() else {
        return Vec::new();
    };
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since the beginning")]
    let start = |node: &GraphNode| (node.timestamp.as_millisecond() - zero) as f64;
    let end = |node: &GraphNode| start(node) + float(node.duration_ms.unwrap_or(0));
    let by_id: HashMap<ExchangeId, &GraphNode> =
        nodes.iter().map(|node| (node.request_id, *node)).collect();
    let mut bars = Vec::with_capacity(nodes.len() * 2);
    for node in nodes {
        let lane = lanes.iter().position(|lane| lane == branch(node)).unwrap_or(0);
        let href = address(node.request_id);
        if let Some(parent) = node
            .parent_request_id
            .and_then(|id| by_id.get(&id))
            .filter(|p| p.branch_id == node.branch_id)
        {
            let (from_ms, to_ms) = (end(parent), start(node));
            if to_ms > from_ms {
                let kind = if parent.tool_names.is_empty() { BarKind::Wait } else { BarKind::Tool };
                let what = if kind == BarKind::Tool {
                    format::tools(&parent.tool_names)
                } else {
                    "waiting for a human".into()
                };
                let tip = format!("{what}\n{}", format::duration(to_ms - from_ms));
                let name = if kind == BarKind::Tool { what } else { String::new() };
                bars.push(Bar { lane, from_ms, to_ms, kind, name, tip, href: href.clone() });
            }
        }
        let kind = if data::is_error(node) { BarKind::Error } else { BarKind::Model };
        let (name, from_ms, to_ms) = (data::label(node), start(node), end(node));
        let tip = format!("{name}\nmodel {}", format::duration(to_ms - from_ms));
        bars.push(Bar { lane, from_ms, to_ms, kind, name, tip, href });
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(branch: Option<&str>, start: Option<usize>) -> TimelinePage {
        let asked = TimelineQuery { branch: branch.map(str::to_owned), start };
        build(&data::sample(), &asked, "domain=d")
    }

    #[test]
    fn what_begins_behind_the_last_step_leads_to_the_first() {
        let total = page(None, None).total;
        for start in [total, 9999] {
            let page = page(None, Some(start));
            let first = page.first.as_deref().expect("a way to the first step");
            assert!(page.is_beyond && page.rows.is_empty() && first.ends_with("?start=0"));
        }
        for start in [None, Some(0), Some(total - 1)] {
            assert!(!page(None, start).is_beyond, "{start:?}");
        }
        assert!(!page(Some("none of this name"), Some(0)).is_beyond);
    }

    #[test]
    fn every_bar_leads_to_its_step_within_the_scope() {
        let svg = page(None, None).svg;
        let bars = svg.matches("<a href=").count();
        assert!(bars > 0);
        assert_eq!(svg.matches("&amp;domain=d\" tabindex").count(), bars, "{svg}");
    }
}
