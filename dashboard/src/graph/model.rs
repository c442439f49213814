//! What a graph is made from.

use jiff::Timestamp;
use nexus_contract::ExchangeId;

/// One exchange of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub id: ExchangeId,
    pub parent: Option<ExchangeId>,
    /// The exchange whose answer called the tool that started this sub-agent; on its first exchange.
    pub task_parent: Option<ExchangeId>,
    /// `main`, `branch_101500`, `subtask_2`, `compact_120000`.
    pub branch: String,
    pub kind: NodeKind,
    pub at: Timestamp,
    pub happening: Happening,
    /// What happened, in a few words: the prompt, the tools' names, the answer's beginning.
    pub label: String,
    /// Messages that its request holds.
    pub messages: u64,
    pub duration_ms: Option<i64>,
    pub cost_usd: Option<f64>,
    /// How full the model's context was, 0 to 1.
    pub context: Option<f64>,
}

/// How an exchange continues its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    Root,
    Turn,
    Subagent,
    Compact,
    Attempt,
}

/// What an exchange is about, for its icon and colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// A person wrote something.
    Human,
    /// Results of tools went up; the model goes on.
    Tools,
    /// The model's answer without tool calls.
    Answer,
    Error,
    Running,
}

impl Node {
    /// Whether it belongs to a sub-agent.
    pub fn is_subtask(&self) -> bool {
        self.branch.starts_with("subtask_")
    }
}
