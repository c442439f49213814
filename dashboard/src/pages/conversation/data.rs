//! The conversation behind every tab: one read of the store.

use std::sync::Arc;

use nexus_contract::ExchangeId;
use nexus_store::queries::{ConversationGraph, ExchangeKind, GraphNode};

use crate::{
    error::PageError,
    graph::{Happening, Node, NodeKind},
    pages::overview::float,
    view::{Ctx, format},
};

/// Exchanges that a page takes on; more are named, not shown.
pub const MAX_NODES: u32 = 20_000;

/// A conversation with its graph.
pub struct Loaded {
    pub graph: Arc<ConversationGraph>,
}

/// Reads it; also under the id of any exchange in it.
pub async fn load(ctx: &Ctx, id: &str) -> Result<Loaded, PageError> {
    let id = super::super::id(id, "conversation")?;
    let dashboard = &ctx.dashboard;
    let found = dashboard.graphs.find(dashboard.deps.queries.as_ref(), id).await?;
    let graph = found.ok_or_else(|| PageError::NotFound("conversation".into()))?;
    Ok(Loaded { graph })
}

impl Loaded {
    pub fn id(&self) -> ExchangeId {
        self.graph.conversation.conversation_id
    }

    pub fn find(&self, id: ExchangeId) -> Option<&GraphNode> {
        self.graph.nodes.iter().find(|node| node.request_id == id)
    }

    /// The graph's nodes; auxiliary requests stand beside it.
    pub fn nodes(&self) -> Vec<Node> {
        let inside =
            self.graph.nodes.iter().filter(|node| node.kind != Some(ExchangeKind::Auxiliary));
        inside.map(|node| self.node(node)).collect()
    }

    fn node(&self, node: &GraphNode) -> Node {
        let limit = self.graph.conversation.context_limit;
        let context = (limit > 0 && node.tokens.context() > 0)
            .then(|| float(node.tokens.context()) / float(limit));
        Node {
            id: node.request_id,
            parent: node.parent_request_id,
            task_parent: node.parent_task_request_id,
            branch: node.branch_id.clone().unwrap_or_else(|| "main".into()),
            kind: match node.kind {
                Some(ExchangeKind::Root) => NodeKind::Root,
                Some(ExchangeKind::Subagent) => NodeKind::Subagent,
                Some(ExchangeKind::Compact) => NodeKind::Compact,
                Some(ExchangeKind::Attempt) => NodeKind::Attempt,
                _ => NodeKind::Turn,
            },
            at: node.timestamp,
            happening: happening(node),
            label: label(node),
            messages: node.message_count,
            duration_ms: node.duration_ms.and_then(|ms| i64::try_from(ms).ok()),
            cost_usd: node.cost_usd,
            context,
        }
    }
}

pub fn is_error(node: &GraphNode) -> bool {
    node.state.is_some_and(|state| state != nexus_contract::TerminalState::Completed)
}

fn happening(node: &GraphNode) -> Happening {
    match node.state {
        None => Happening::Running,
        Some(_) if is_error(node) => Happening::Error,
        _ if is_human(node) => Happening::Human,
        _ if !node.tool_names.is_empty() => Happening::Tools,
        _ => Happening::Answer,
    }
}

/// A person, or the agent that started it, wrote something new in it.
pub fn is_human(node: &GraphNode) -> bool {
    node.last_message_kind.as_deref() == Some("human")
}

/// What happened, in a few words.
pub fn label(node: &GraphNode) -> String {
    if is_error(node) {
        let state = node
            .state
            .map(nexus_contract::TerminalState::as_str)
            .unwrap_or_default()
            .replace('_', " ");
        return match node.response_status {
            Some(status) => format!("{state} ({status})"),
            None => state,
        };
    }
    let prompt = node.prompt.as_deref().filter(|_| is_human(node)).map(format::plain);
    let tools = (!node.tool_names.is_empty()).then(|| format::tools(&node.tool_names));
    prompt.or(tools).or_else(|| node.preview.as_deref().map(format::plain)).unwrap_or_else(|| {
        match node.state {
            None => "in flight".into(),
            Some(_) => "an answer without text".into(),
        }
    })
}

#[cfg(test)]
pub use super::sample::sample;
