//! Branches, read from the store.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use nexus_contract::ExchangeId;
use nexus_messages::{
    request::{Request, Thread},
    transcript::{Exchange, Wire},
};
use nexus_store::{
    ExchangeStore, Queries, StoreError,
    analyses::Branch,
    queries::{ExchangeKind, GraphNode},
};

use crate::deps::{BranchSource, BranchText};

/// Reads as few bodies as a transcript needs.
///
/// A request repeats the whole history, so the last one of a branch says it all; what came before a
/// compaction, or before a link that stands on the session alone, is in the last one before it; in
/// a message thread each request brings only its own.
pub struct StoredBranches {
    pub queries: Arc<dyn Queries>,
    pub exchanges: Arc<dyn ExchangeStore>,
}

#[async_trait]
impl BranchSource for StoredBranches {
    async fn find_branch(&self, branch: &Branch) -> Result<Option<BranchText>, StoreError> {
        let Some(graph) = self.queries.find_graph(branch.conversation_id, u32::MAX).await? else {
            return Ok(None);
        };
        let beginnings = self.queries.list_beginnings(graph.conversation.conversation_id).await?;
        let mut path = graph.path_of(&branch.branch_id);
        let mut exchanges = Vec::new();
        while let Some(node) = path.pop() {
            let Some(exchange) = self.read(node).await? else { continue };
            if !holds_only_its_own(&exchange) {
                skip_what_it_repeats(&mut path, node, &beginnings);
            }
            exchanges.push(exchange);
        }
        exchanges.reverse();
        let domain = graph.conversation.domain;
        Ok((!exchanges.is_empty()).then_some(BranchText { domain, exchanges }))
    }

    async fn find_domain(&self, branch: &Branch) -> Result<Option<String>, StoreError> {
        let conversation = self.queries.find_conversation(branch.conversation_id).await?;
        Ok(conversation.map(|conversation| conversation.domain))
    }
}

impl StoredBranches {
    async fn read(&self, node: &GraphNode) -> Result<Option<Exchange>, StoreError> {
        let Some(payload) = self.exchanges.find_payload(node.request_id).await? else {
            return Ok(None);
        };
        let wire = Wire {
            id: node.request_id,
            at: node.timestamp,
            state: node.state,
            status: node.response_status,
            error: None,
            request_headers: payload.request_headers.as_ref(),
            request_body: payload.request_body.as_ref(),
            response_headers: payload.response_headers.as_ref(),
            response_body: payload.response_body.as_ref(),
        };
        Ok(payload.request_body.is_some().then(|| wire.read()))
    }
}

/// The history begins anew where a branch goes on from a summary, and where it has nothing but the
/// session in common with what came before.
fn skip_what_it_repeats(
    path: &mut Vec<&GraphNode>,
    node: &GraphNode,
    beginnings: &HashSet<ExchangeId>,
) {
    let mut begins = node;
    while begins.kind != Some(ExchangeKind::Compact) && !beginnings.contains(&begins.request_id) {
        match path.pop() {
            Some(before) => begins = before,
            None => return,
        }
    }
}

fn holds_only_its_own(exchange: &Exchange) -> bool {
    let request = Request::parse(&exchange.request);
    request.is_ok_and(|request| matches!(request.thread, Some(Thread::Continue { .. })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(kind: &str, number: usize) -> GraphNode {
        let node = json!({
            "requestId": format!("0197b1c0-0000-7000-8000-{number:012}"),
            "timestamp": "2026-01-01T00:00:00Z", "kind": kind, "messageCount": 1,
            "tokens": {
                "input": 0, "output": 0, "cacheRead": 0, "cacheCreation": 0, "cacheCreation1h": 0,
            },
            "toolNames": [], "isSubtask": false,
        });
        serde_json::from_value(node).expect("a node")
    }

    /// How many of the nodes before the last one are still to be read after it, when those at
    /// `beginnings` begin anew.
    fn left(kinds: &[&str], beginnings: &[usize]) -> usize {
        let nodes: Vec<_> =
            kinds.iter().enumerate().map(|(number, kind)| node(kind, number)).collect();
        let beginnings = beginnings.iter().map(|place| nodes[*place].request_id).collect();
        let mut path = nodes.iter().collect::<Vec<_>>();
        let last = path.pop().expect("a node");
        skip_what_it_repeats(&mut path, last, &beginnings);
        path.len()
    }

    #[test]
    fn what_no_later_request_repeats_is_read() {
        assert_eq!(left(&["root", "turn", "turn"], &[]), 0);
        assert_eq!(left(&["root", "turn", "compact"], &[]), 2);
        assert_eq!(left(&["root", "turn", "turn"], &[1]), 1);
        assert_eq!(left(&["root", "turn", "turn"], &[2]), 2);
    }
}
