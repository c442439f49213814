//! Times and context of a branch, as the dashboard defines them. Pure functions over its rows.

use std::{collections::HashMap, sync::LazyLock};

use jiff::Timestamp;
use nexus_contract::ExchangeId;
use nexus_messages::{ContextLimit, PriceTable};

use super::types::GraphNode;

/// What a request ends with when a human wrote last.
const HUMAN: &str = "human";
const LARGE_CONTEXT: u64 = 1_000_000;

/// Times of one branch, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Sum of the durations of its exchanges.
    pub model_ms: u64,
    /// From the end of an answer that calls tools to the arrival of the request with their results, or
    /// as long of that as the client measured; overlaps count once.
    pub tool_ms: u64,
    /// From an answer without tool calls to the next human message.
    pub waiting_ms: u64,
}

/// The times of a branch. `nodes` are its exchanges, oldest first.
pub fn times(nodes: &[&GraphNode]) -> Times {
    let mut times = Times {
        model_ms: nodes.iter().filter_map(|node| node.duration_ms).sum(),
        ..Times::default()
    };
    let mut seen: HashMap<ExchangeId, &GraphNode> = HashMap::with_capacity(nodes.len());
    let mut tools = Vec::new();
    for node in nodes {
        seen.insert(node.request_id, node);
        // The parent, when it is on the same branch.
        let Some(before) = node.parent_request_id.and_then(|id| seen.get(&id)) else { continue };
        let Some(gap) = gap(before, node) else { continue };
        if !before.tool_names.is_empty() {
            tools.push(measured(gap, node.tool_ms));
        } else if node.last_message_kind.as_deref() == Some(HUMAN) {
            times.waiting_ms += length(gap);
        }
    }
    times.tool_ms = union(tools);
    times
}

/// The limit of `model`, or the larger one that it was evidently given.
pub fn context_limit(model: Option<&str>, context_tokens: u64) -> ContextLimit {
    static LISTED: LazyLock<PriceTable> = LazyLock::new(PriceTable::listed);
    let limit = LISTED.context_limit(model.unwrap_or_default(), None);
    if context_tokens > limit.tokens && context_tokens <= LARGE_CONTEXT {
        return ContextLimit { tokens: LARGE_CONTEXT, ..limit };
    }
    limit
}

/// From the end of `before` to the arrival of `node`, in microseconds; `None` when they overlap.
fn gap(before: &GraphNode, node: &GraphNode) -> Option<(i64, i64)> {
    let end = end(before.timestamp, before.duration_ms?);
    let arrival = node.timestamp.as_microsecond();
    (arrival > end).then_some((end, arrival))
}

/// What the client measured wins: it leaves out the time in which a human was asked. Tools that ran
/// side by side are measured each, so no more than the gap counts.
fn measured((start, end): (i64, i64), tool_ms: Option<u64>) -> (i64, i64) {
    let Some(ms) = tool_ms else { return (start, end) };
    let length = i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000);
    (start, start.saturating_add(length).min(end))
}

fn end(start: Timestamp, duration_ms: u64) -> i64 {
    let duration = i64::try_from(duration_ms).unwrap_or(i64::MAX).saturating_mul(1_000);
    start.as_microsecond().saturating_add(duration)
}

/// Milliseconds covered by the intervals.
fn union(mut intervals: Vec<(i64, i64)>) -> u64 {
    intervals.sort_unstable();
    let mut covered_to = i64::MIN;
    let mut sum = 0;
    for (start, end) in intervals {
        let start = start.max(covered_to);
        if end > start {
            sum += length((start, end));
            covered_to = end;
        }
    }
    sum
}

fn length((start, end): (i64, i64)) -> u64 {
    end.saturating_sub(start).max(0).unsigned_abs() / 1_000
}

#[cfg(test)]
mod tests;
