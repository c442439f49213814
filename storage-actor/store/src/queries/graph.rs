//! A conversation's graph: its nodes, and each branch with its sums and times.

use std::collections::HashMap;

use nexus_contract::{ExchangeId, TerminalState};

use super::{
    metrics,
    types::{BranchSummary, ExchangeKind, GraphNode, NodeTokens},
};

/// The branches of a conversation's nodes, in the order of their first node. `nodes` are oldest
/// first; auxiliary ones are on no branch.
pub fn branches(nodes: &[GraphNode]) -> Vec<BranchSummary> {
    let mut order: Vec<&str> = Vec::new();
    let mut by_branch: HashMap<&str, Vec<&GraphNode>> = HashMap::new();
    let on_branches = nodes.iter().filter(|node| node.kind != Some(ExchangeKind::Auxiliary));
    for node in on_branches {
        let Some(branch) = node.branch_id.as_deref() else { continue };
        let members = by_branch.entry(branch).or_default();
        if members.is_empty() {
            order.push(branch);
        }
        members.push(node);
    }
    let branch_of: HashMap<ExchangeId, &str> = nodes
        .iter()
        .filter_map(|node| Some((node.request_id, node.branch_id.as_deref()?)))
        .collect();
    order.into_iter().filter_map(|name| summary(name, by_branch.get(name)?, &branch_of)).collect()
}

fn summary(
    name: &str,
    members: &[&GraphNode],
    branch_of: &HashMap<ExchangeId, &str>,
) -> Option<BranchSummary> {
    let (first, last) = (members.first()?, members.last()?);
    let forked_from = first.parent_task_request_id.or(first.parent_request_id);
    let parent = forked_from.and_then(|id| branch_of.get(&id)).map(|name| (*name).to_owned());
    let times = metrics::times(members);
    let answered = members.iter().rev().find(|node| node.tokens.context() > 0);
    let limit = metrics::context_limit(
        answered.and_then(|node| node.model.as_deref()),
        answered.map_or(0, |node| node.tokens.context()),
    );
    Some(BranchSummary {
        branch_id: name.to_owned(),
        is_subtask: first.is_subtask,
        forked_from,
        parent_branch_id: parent,
        first_request_id: first.request_id,
        latest_request_id: last.request_id,
        first_message_time: first.timestamp,
        last_message_time: last.timestamp,
        request_count: members.len() as u64,
        message_count: members.iter().map(|node| node.message_count).max().unwrap_or(0),
        tokens: members.iter().fold(NodeTokens::default(), |sum, node| sum.plus(node.tokens)),
        cost_usd: cost(members),
        unpriced_count: members.iter().filter(|node| is_unpriced(node)).count() as u64,
        error_count: members.iter().filter(|node| has_failed(node)).count() as u64,
        model_ms: times.model_ms,
        tool_ms: times.tool_ms,
        waiting_ms: times.waiting_ms,
        context_tokens: answered.map(|node| node.tokens.context()),
        context_limit: limit.tokens,
        context_limit_is_estimate: limit.is_estimate,
    })
}

impl NodeTokens {
    fn plus(self, other: Self) -> Self {
        Self {
            input: self.input + other.input,
            output: self.output + other.output,
            cache_read: self.cache_read + other.cache_read,
            cache_creation: self.cache_creation + other.cache_creation,
            cache_creation_1h: self.cache_creation_1h + other.cache_creation_1h,
        }
    }
}

fn cost(members: &[&GraphNode]) -> Option<f64> {
    let costs: Vec<_> = members.iter().filter_map(|node| node.cost_usd).collect();
    (!costs.is_empty()).then(|| costs.iter().sum())
}

fn is_unpriced(node: &GraphNode) -> bool {
    node.cost_usd.is_none() && node.tokens.total() > 0
}

fn has_failed(node: &GraphNode) -> bool {
    node.state.is_some_and(|state| state != TerminalState::Completed)
}
