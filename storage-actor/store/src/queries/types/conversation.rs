//! Conversations and their graphs.

use jiff::Timestamp;
use nexus_contract::{ExchangeId, TerminalState};
use serde::{Deserialize, Serialize};

use super::{ExchangeKind, RequestSummary};

/// One conversation as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationSummary {
    /// The id of its first exchange.
    pub conversation_id: ExchangeId,
    /// What a human first wrote.
    pub title: Option<String>,
    /// The newest answer, shortened.
    pub preview: Option<String>,
    pub domain: String,
    pub account_ids: Vec<String>,
    pub first_message_time: Timestamp,
    pub last_message_time: Timestamp,
    pub request_count: u64,
    /// Messages of its longest history.
    pub message_count: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_creation_tokens: u64,
    pub total_tokens: u64,
    /// `None`: nothing in it has a known price.
    pub cost_usd: Option<f64>,
    /// Exchanges with usage and without a known price: when not 0, `cost_usd` is a lower bound.
    pub unpriced_count: u64,
    pub branch_count: u64,
    pub subtask_count: u64,
    pub compact_count: u64,
    pub error_count: u64,
    pub models_used: Vec<String>,
    pub latest_request_id: Option<ExchangeId>,
    pub latest_model: Option<String>,
    /// Input, cache read and cache creation of the newest answer of the main line.
    pub latest_context_tokens: Option<u64>,
    pub context_limit: u64,
    /// The model is not known, and the limit is what most models take.
    pub context_limit_is_estimate: bool,
    /// `None`: its newest exchange still runs.
    pub latest_state: Option<TerminalState>,
    pub has_errors: bool,
    /// Where the words that were searched for stand; empty without a search.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snippets: Vec<Snippet>,
}

/// A place where searched words were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snippet {
    pub request_id: ExchangeId,
    pub parts: Vec<SnippetPart>,
}

/// A piece of a snippet; plain text, to be escaped by who shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnippetPart {
    pub text: String,
    pub is_match: bool,
}

/// A conversation with every exchange in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationGraph {
    #[serde(flatten)]
    pub conversation: ConversationSummary,
    /// Oldest first; attempts and auxiliary requests among them.
    pub nodes: Vec<GraphNode>,
    /// In the order of their first exchange.
    pub branches: Vec<BranchSummary>,
    /// The conversation has more nodes than are given here.
    pub truncated: bool,
}

/// Conversations in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ConversationCounts {
    pub conversations: u64,
    pub branches: u64,
    pub subtasks: u64,
    pub compacts: u64,
}

/// One exchange in the graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphNode {
    pub request_id: ExchangeId,
    pub external_id: Option<String>,
    pub parent_request_id: Option<ExchangeId>,
    pub parent_task_request_id: Option<ExchangeId>,
    pub branch_id: Option<String>,
    pub kind: Option<ExchangeKind>,
    pub agent_id: Option<String>,
    pub timestamp: Timestamp,
    pub duration_ms: Option<u64>,
    pub first_token_ms: Option<u64>,
    pub message_count: u64,
    pub tokens: NodeTokens,
    pub cost_usd: Option<f64>,
    pub model: Option<String>,
    pub state: Option<TerminalState>,
    pub response_status: Option<u16>,
    /// What the model was to answer to: `human`, `tool_result` or `other`.
    pub last_message_kind: Option<String>,
    /// How long the tools ran whose results the request brings, where the client measured it.
    pub tool_ms: Option<u64>,
    /// A tool's name for each call of the answer, in order.
    pub tool_names: Vec<String>,
    pub stop_reason: Option<String>,
    /// What a human, or the agent that started this one, wrote in it, shortened.
    pub prompt: Option<String>,
    /// The answer, shortened.
    pub preview: Option<String>,
    pub is_subtask: bool,
}

/// Tokens of one exchange; all 0 while it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeTokens {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    /// For five minutes and for an hour together.
    pub cache_creation: u64,
    /// Of `cache_creation`, those written for an hour.
    #[serde(rename = "cacheCreation1h")]
    pub cache_creation_1h: u64,
}

impl From<&RequestSummary> for NodeTokens {
    fn from(row: &RequestSummary) -> Self {
        Self {
            input: row.input_tokens.unwrap_or(0),
            output: row.output_tokens.unwrap_or(0),
            cache_read: row.cache_read_tokens.unwrap_or(0),
            cache_creation: row.cache_creation_tokens.unwrap_or(0),
            cache_creation_1h: row.cache_creation_1h_tokens.unwrap_or(0),
        }
    }
}

impl NodeTokens {
    /// What the model had before it.
    pub fn context(&self) -> u64 {
        self.input + self.cache_read + self.cache_creation
    }

    pub fn total(&self) -> u64 {
        self.context() + self.output
    }
}

/// A branch, a sub-agent or a continuation after compaction, with its own sums and times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BranchSummary {
    pub branch_id: String,
    pub is_subtask: bool,
    /// Where it left another branch: its first exchange's parent, or the exchange whose tool call
    /// started it. `None` for the branch of the root.
    pub forked_from: Option<ExchangeId>,
    pub parent_branch_id: Option<String>,
    pub first_request_id: ExchangeId,
    pub latest_request_id: ExchangeId,
    pub first_message_time: Timestamp,
    pub last_message_time: Timestamp,
    pub request_count: u64,
    pub message_count: u64,
    pub tokens: NodeTokens,
    pub cost_usd: Option<f64>,
    pub unpriced_count: u64,
    pub error_count: u64,
    /// Sum of the durations of its exchanges.
    pub model_ms: u64,
    /// Time in which the client ran tools, as it measured it where it did, overlaps counted once.
    pub tool_ms: u64,
    /// Time from an answer without tool calls to the next human message.
    pub waiting_ms: u64,
    pub context_tokens: Option<u64>,
    pub context_limit: u64,
    pub context_limit_is_estimate: bool,
}
