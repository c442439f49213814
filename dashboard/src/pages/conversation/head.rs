//! The head of a conversation: what it is, its figures, its branches, its tabs.

use actix_web::{HttpResponse, web};
use nexus_contract::ExchangeId;
use nexus_store::queries::{ConversationGraph, ConversationSummary, GraphNode};
use serde::Serialize;

use super::{data::Loaded, kind::Kind};
use crate::{
    error::PageError,
    pages::overview::float,
    view::{Crumb, Ctx, Fragment, Link, format},
};

/// Branch chips shown before the rest folds.
const CHIPS: usize = 8;
/// Chips that the fold holds; a conversation may have thousands of branches.
const LISTED: usize = 60;

/// What stands above every tab.
#[derive(Debug, Serialize)]
pub struct Head {
    pub id: ExchangeId,
    pub title: String,
    pub row: ConversationSummary,
    pub facts: Facts,
    pub tabs: Vec<Link>,
    pub branches: Vec<Link>,
    /// How many of the branches are shown at once.
    pub chips: usize,
    /// How many are listed at all.
    pub listed: usize,
    pub truncated: bool,
}

/// Sums over the branches; sub-agents do not count into waiting.
#[derive(Debug, Default, Serialize)]
pub struct Facts {
    pub model_ms: u64,
    pub tool_ms: u64,
    pub waiting_ms: u64,
    /// From the first request to the end of the last answer.
    pub span_ms: i64,
    pub context_share: Option<f64>,
    pub cache_share: Option<f64>,
}

const TABS: [(&str, &str, &str); 7] = [
    ("", "Graph", "git-branch"),
    ("transcript", "Transcript", "messages-square"),
    ("timeline", "Timeline", "clock"),
    ("cost", "Cost", "coins"),
    ("analysis", "Analysis", "sparkles"),
    ("compare", "Compare", "columns-2"),
    ("export", "Export", "download"),
];

/// The head alone, for pages that follow a running conversation.
#[derive(Debug, Serialize)]
pub struct HeadFragment {
    head: Head,
}

impl Fragment for HeadFragment {
    const TEMPLATE: &'static str = "conversation/head_fragment.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        vec![Self { head: Head::of(&super::data::sample(), "", None) }]
    }
}

/// `GET /conversations/{id}/head`
pub async fn fragment(ctx: Ctx, id: web::Path<String>) -> Result<HttpResponse, PageError> {
    let loaded = super::data::load(&ctx, &id).await?;
    ctx.fragment(&HeadFragment { head: Head::of(&loaded, "", None) })
}

impl Head {
    /// `branch` is the chosen one; chips keep the tab that one is on.
    pub fn of(loaded: &Loaded, tab: &str, branch: Option<&str>) -> Self {
        let row = loaded.graph.conversation.clone();
        let title = row.title.clone().unwrap_or_else(|| "Untitled conversation".into());
        Self {
            id: loaded.id(),
            title,
            facts: facts(&row, &loaded.graph),
            tabs: tabs(loaded.id(), tab, branch),
            branches: chips(loaded, tab, branch),
            chips: CHIPS,
            listed: LISTED,
            truncated: loaded.graph.truncated,
            row,
        }
    }

    /// The way to a tab: over the list, and over the conversation itself.
    pub fn crumbs(&self) -> Vec<Crumb> {
        vec![
            Crumb { label: "Conversations".into(), href: "/conversations".into() },
            Crumb { label: self.title.clone(), href: address(self.id, "", None) },
        ]
    }
}

fn facts(row: &ConversationSummary, graph: &ConversationGraph) -> Facts {
    let branches = &graph.branches;
    let own = || branches.iter().filter(|branch| !branch.is_subtask);
    let cached = row.input_tokens + row.cache_read_tokens + row.cache_creation_tokens;
    Facts {
        model_ms: branches.iter().map(|branch| branch.model_ms).sum(),
        tool_ms: own().map(|branch| branch.tool_ms).sum(),
        waiting_ms: own().map(|branch| branch.waiting_ms).sum(),
        span_ms: span(row, &graph.nodes),
        context_share: row
            .latest_context_tokens
            .filter(|_| row.context_limit > 0)
            .map(|used| float(used) / float(row.context_limit)),
        cache_share: (cached > 0).then(|| float(row.cache_read_tokens) / float(cached)),
    }
}

/// Milliseconds from the first request to the end of the last answer.
fn span(row: &ConversationSummary, nodes: &[GraphNode]) -> i64 {
    let took = |node: &GraphNode| i64::try_from(node.duration_ms.unwrap_or(0)).unwrap_or(0);
    let ends = nodes.iter().map(|node| node.timestamp.as_millisecond().saturating_add(took(node)));
    let last = row.last_message_time.as_millisecond();
    ends.fold(last, i64::max) - row.first_message_time.as_millisecond()
}

fn address(id: ExchangeId, tab: &str, branch: Option<&str>) -> String {
    let path = if tab.is_empty() {
        format!("/conversations/{id}")
    } else {
        format!("/conversations/{id}/{tab}")
    };
    match branch {
        Some(branch) => {
            format!("{path}?branch={}", format::encoded(branch))
        }
        None => path,
    }
}

fn tabs(id: ExchangeId, current: &str, branch: Option<&str>) -> Vec<Link> {
    TABS.into_iter()
        .map(|(tab, label, icon)| Link {
            href: address(id, tab, branch),
            label: label.into(),
            icon,
            current: tab == current,
        })
        .collect()
}

/// The comparison has none: it chooses two branches by itself.
fn chips(loaded: &Loaded, tab: &str, chosen: Option<&str>) -> Vec<Link> {
    if tab == "compare" {
        return Vec::new();
    }
    let all = loaded.graph.branches.iter().map(|branch| Link {
        href: address(
            loaded.id(),
            tab,
            Some(&branch.branch_id).filter(|id| chosen != Some(id)).map(String::as_str),
        ),
        label: format!("{} · {}", branch.branch_id, branch.request_count),
        icon: Kind::of(branch).mark().icon,
        current: chosen == Some(&branch.branch_id),
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It ended with the last request: a conversation of one turn took less time than its model.
    #[test]
    fn the_total_time_lasts_to_the_end_of_the_last_answer() {
        let first = node(10_000, 400);
        let row = ConversationSummary {
            first_message_time: first.timestamp,
            last_message_time: first.timestamp,
            ..super::super::data::sample().graph.conversation.clone()
        };
        assert_eq!(span(&row, &[first.clone(), node(10_100, 50)]), 400);
        assert_eq!(span(&row, &[first, node(10_300, 200)]), 500);
        assert_eq!(span(&row, &[]), 0);
    }

    #[test]
    fn branches_are_offered_where_a_tab_heeds_them() {
        let loaded = super::super::data::sample();
        let offered = |tab: &str| Head::of(&loaded, tab, None).branches.len();
        for (tab, ..) in TABS {
            let all = if tab == "compare" { 0 } else { loaded.graph.branches.len() };
            assert_eq!(offered(tab), all, "{tab}");
        }
    }

    fn node(at: i64, duration: u64) -> GraphNode {
        GraphNode {
            timestamp: jiff::Timestamp::from_millisecond(at).expect("valid"),
            duration_ms: Some(duration),
            ..super::super::data::sample().graph.nodes[0].clone()
        }
    }
}
