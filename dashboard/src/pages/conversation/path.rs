//! The exchanges of a branch with its shared ancestors, oldest first.

use std::collections::{HashMap, HashSet};

use nexus_contract::ExchangeId;
use nexus_messages::transcript::{self, Turn, Window};
use nexus_store::queries::{ConversationGraph, ExchangeKind, GraphNode};

use crate::{error::PageError, pages::store, recordings::Row, view::Ctx};

/// The way from the root (or from a sub-agent's first exchange) to the branch's newest exchange.
pub fn branch_path<'a>(graph: &'a ConversationGraph, branch: &str) -> Vec<&'a GraphNode> {
    let by_id: HashMap<ExchangeId, &GraphNode> =
        graph.nodes.iter().map(|node| (node.request_id, node)).collect();
    let of_branch = |node: &&GraphNode| {
        node.branch_id.as_deref() == Some(branch) && node.kind != Some(ExchangeKind::Auxiliary)
    };
    let is_attempt = |node: &&GraphNode| node.kind == Some(ExchangeKind::Attempt);
    let newest = graph.nodes.iter().rev().filter(of_branch);
    let tip = newest.clone().find(|node| !is_attempt(node)).or_else(|| newest.clone().next());
    let mut path = Vec::new();
    let mut seen = HashSet::new();
    let mut at = tip;
    while let Some(node) = at.filter(|node| seen.insert(node.request_id)) {
        path.push(node);
        at = node.parent_request_id.and_then(|parent| by_id.get(&parent).copied());
    }
    path.reverse();
    path
}

/// Reads `count` exchanges of a path from `start` on, as a transcript. Exchanges whose bytes
/// retention has taken are left out.
pub async fn windowed(
    ctx: &Ctx,
    path: &[&GraphNode],
    start: usize,
    count: usize,
) -> Result<Vec<Turn>, PageError> {
    let first = start.saturating_sub(1).min(path.len());
    let last = (start + count + 1).min(path.len());
    let ids: Vec<ExchangeId> = path[first..last].iter().map(|node| node.request_id).collect();
    let found = ctx.dashboard.deps.recordings.list_recordings(&ids).await.map_err(store)?;
    let recordings: HashMap<_, _> = found.into_iter().collect();
    let read = |nodes: &[&GraphNode]| -> Vec<transcript::Exchange> {
        let known = nodes.iter().filter_map(|node| Some((recordings.get(&node.request_id)?, node)));
        known.map(|(recording, node)| recording.exchange(&Row::from(*node))).collect()
    };
    let end = (start + count).min(path.len());
    let before = read(&path[first..start.min(path.len())]);
    let exchanges = read(&path[start.min(path.len())..end]);
    let after = read(&path[end..last]);
    // Parsing megabytes of JSON would hold up the other pages of this worker.
    actix_web::web::block(move || {
        transcript::read(&Window {
            before: before.first(),
            exchanges: &exchanges,
            after: after.first(),
        })
    })
    .await
    .map_err(PageError::internal)
}
