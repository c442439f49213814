//! The way from a conversation's root to the end of a branch.

use std::collections::HashMap;

use super::types::{ConversationGraph, ExchangeKind, GraphNode};

impl ConversationGraph {
    /// The exchanges that lead to the newest one of a branch, its ancestors on other branches
    /// included, oldest first; empty when there is no such branch. Retries and what was asked beside
    /// the conversation are not on the way.
    pub fn path_of(&self, branch_id: &str) -> Vec<&GraphNode> {
        let of_branch =
            self.nodes.iter().filter(|node| node.branch_id.as_deref() == Some(branch_id));
        let last = of_branch.filter(|node| is_step(node)).max_by_key(|node| node.timestamp);
        let by_id =
            self.nodes.iter().map(|node| (node.request_id, node)).collect::<HashMap<_, _>>();
        let parent = |node: &&GraphNode| by_id.get(&node.parent_request_id?).copied();
        // No way is longer than there are nodes, even if links ever formed a ring.
        let mut path =
            std::iter::successors(last, parent).take(self.nodes.len()).collect::<Vec<_>>();
        path.reverse();
        path
    }
}

fn is_step(node: &GraphNode) -> bool {
    !matches!(node.kind, Some(ExchangeKind::Attempt | ExchangeKind::Auxiliary))
}
