//! One exchange as lists show it.

use jiff::Timestamp;
use nexus_contract::{ExchangeId, TerminalState};
use nexus_messages::RequestType;
use serde::{Deserialize, Serialize};

/// What an exchange is in its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExchangeKind {
    /// The first of its conversation.
    Root,
    /// Continues its parent's history.
    Turn,
    /// The first of a sub-agent.
    Subagent,
    /// Continues from a summary.
    Compact,
    /// The same request again.
    Attempt,
    /// Work for the user interface, beside the graph.
    Auxiliary,
}

impl ExchangeKind {
    pub const ALL: [Self; 6] =
        [Self::Root, Self::Turn, Self::Subagent, Self::Compact, Self::Attempt, Self::Auxiliary];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Turn => "turn",
            Self::Subagent => "subagent",
            Self::Compact => "compact",
            Self::Attempt => "attempt",
            Self::Auxiliary => "auxiliary",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One exchange, small columns only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestSummary {
    pub request_id: ExchangeId,
    /// The id under which an imported exchange was known elsewhere.
    pub external_id: Option<String>,
    pub domain: String,
    pub account_id: Option<String>,
    pub model: Option<String>,
    /// When the request arrived.
    pub timestamp: Timestamp,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub cache_read_tokens: Option<u64>,
    /// For five minutes and for an hour together.
    pub cache_creation_tokens: Option<u64>,
    /// Of `cache_creation_tokens`, those written for an hour.
    #[serde(rename = "cacheCreation1hTokens")]
    pub cache_creation_1h_tokens: Option<u64>,
    /// `None`: the model's price is not known, or there was no usage.
    pub cost_usd: Option<f64>,
    pub duration_ms: Option<u64>,
    pub first_token_ms: Option<u64>,
    pub response_status: Option<u16>,
    /// `None`: it still runs.
    pub state: Option<TerminalState>,
    pub request_type: Option<RequestType>,
    pub streamed: Option<bool>,
    pub message_count: Option<u64>,
    /// Tools that the request offers.
    pub tool_count: Option<u64>,
    pub conversation_id: Option<ExchangeId>,
    pub branch_id: Option<String>,
    pub kind: Option<ExchangeKind>,
    pub parent_request_id: Option<ExchangeId>,
    /// The exchange whose tool call started this sub-agent; set on its first request only.
    pub parent_task_request_id: Option<ExchangeId>,
    pub agent_id: Option<String>,
    /// It belongs to a sub-agent.
    pub is_subtask: bool,
    /// What a human wrote in it, shortened.
    pub prompt: Option<String>,
    /// What the model answered, shortened.
    pub preview: Option<String>,
    /// A tool's name for each call of the answer, in order.
    pub tool_names: Vec<String>,
    pub stop_reason: Option<String>,
    pub error: Option<String>,
}
