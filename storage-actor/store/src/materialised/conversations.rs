//! What an exchange contributes to its conversation.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::sums::Deltas;
use crate::exchanges::ExchangeRow;

pub(super) const SUMS: [&str; 11] = [
    "request_count",
    "running_count",
    "error_count",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "cost_nanos",
    "unpriced_count",
    "duration_ms",
    "tool_calls",
];

/// A value that some of a conversation's exchanges have, in the order of the table's key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ValueKey {
    pub conversation_id: Uuid,
    pub field: &'static str,
    pub value: String,
}

pub(super) const ACCOUNT: &str = "account";
pub(super) const DOMAIN: &str = "domain";
pub(crate) const MODEL: &str = "model";
/// A branch that is no sub-agent's.
pub(super) const BRANCH: &str = "branch";
pub(super) const SUBTASK: &str = "subtask";
pub(super) const COMPACT: &str = "compact";
pub(crate) const TOOL: &str = "tool";

pub(super) type ConversationDeltas = Deltas<Uuid, { SUMS.len() }>;
pub(super) type ValueDeltas = Deltas<ValueKey, 1>;

/// The conversation whose figures the exchange is part of: none for auxiliary ones, which are shown
/// with a conversation and do not belong to it.
pub(super) fn conversation(row: &ExchangeRow) -> Option<Uuid> {
    row.conversation_id.filter(|_| row.kind.as_deref() != Some("auxiliary") && !row.is_stub())
}

impl ConversationDeltas {
    pub(super) fn change(&mut self, old: &ExchangeRow, new: &ExchangeRow) {
        if let Some(id) = conversation(old) {
            self.subtract(id, sums(old));
        }
        if let Some(id) = conversation(new) {
            self.add(id, sums(new));
        }
    }
}

impl ValueDeltas {
    pub(super) fn change(&mut self, old: &ExchangeRow, new: &ExchangeRow) {
        for key in values(old) {
            self.subtract(key, [1]);
        }
        for key in values(new) {
            self.add(key, [1]);
        }
    }
}

fn sums(row: &ExchangeRow) -> [i64; SUMS.len()] {
    let unpriced =
        row.cost_nanos.is_none() && row.context_tokens().is_some_and(|tokens| tokens > 0);
    [
        1,
        row.state.is_none().into(),
        row.is_error().into(),
        row.input_tokens.unwrap_or(0),
        row.output_tokens.unwrap_or(0),
        row.cache_read_tokens.unwrap_or(0),
        row.cache_creation_tokens(),
        row.cost_nanos.unwrap_or(0),
        unpriced.into(),
        row.duration_ms.unwrap_or(0),
        row.tool_calls.unwrap_or(0),
    ]
}

fn values(row: &ExchangeRow) -> Vec<ValueKey> {
    let Some(conversation_id) = conversation(row) else { return Vec::new() };
    let subtask = row.branch_id.as_deref().is_some_and(|branch| branch.starts_with(SUBTASK));
    let branch = if subtask { SUBTASK } else { BRANCH };
    let compact = row.branch_id.as_deref().filter(|_| row.kind.as_deref() == Some(COMPACT));
    // An exchange counts once for a tool, however often it calls it.
    let tools: BTreeSet<&str> = row.tool_names.as_deref().unwrap_or_default().lines().collect();
    [
        (DOMAIN, Some(&row.domain[..])),
        (ACCOUNT, row.account_id.as_deref()),
        (MODEL, Some(row.shown_model()).filter(|model| !model.is_empty())),
        (branch, row.branch_id.as_deref()),
        (COMPACT, compact),
    ]
    .into_iter()
    .filter_map(|(field, value)| Some((field, value?)))
    .chain(tools.into_iter().map(|tool| (TOOL, tool)))
    .map(|(field, value)| ValueKey { conversation_id, field, value: value.to_owned() })
    .collect()
}
