//! Branches, read from the store.

use std::sync::Arc;

use async_trait::async_trait;
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
/// compaction is in the last one before it; in a message thread each request brings only its own.
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
        let mut path = graph.path_of(&branch.branch_id);
        let mut exchanges = Vec::new();
        while let Some(node) = path.pop() {
            let Some(exchange) = self.read(node).await? else { continue };
            if !holds_only_its_own(&exchange) {
                skip_what_it_repeats(&mut path, node);
            }
            exchanges.push(exchange);
        }
        exchanges.reverse();
        let domain = graph.conversation.domain;
        Ok((!exchanges.is_empty()).then_some(BranchText { domain, exchanges }))
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

/// The history begins anew where a branch goes on from a summary.
fn skip_what_it_repeats(path: &mut Vec<&GraphNode>, node: &GraphNode) {
    let mut begins = node;
    while begins.kind != Some(ExchangeKind::Compact) {
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
