//! The link of an exchange: what it continues, why that was decided, and where it stands.

use nexus_contract::ExchangeId;
use serde::{Deserialize, Serialize};

use crate::{facts::Moment, hash::Hash};

/// What an exchange is to its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkKind {
    /// Begins a conversation.
    Root,
    /// Goes on from its parent's answer, on its parent's branch or a new one.
    Turn,
    /// Begins the work of a sub-agent that a tool call of its parent started.
    Subagent,
    /// Goes on from the summary that its parent's answer is.
    Compact,
    /// Its parent's request again, which did not succeed.
    Attempt,
    /// Titles, classifiers and the like; in no conversation.
    Auxiliary,
}

/// The evidence for an edge, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A message thread names the answer.
    Thread,
    /// The parent's history is a prefix, in the same session and agent.
    AgentPrefix,
    /// The parent's history is a prefix, in the same session.
    SessionPrefix,
    /// The parent's history is a prefix, elsewhere in the domain.
    DomainPrefix,
    /// The same request of the same session and agent.
    SessionRepeat,
    /// The same request shortly after one that did not complete.
    Repeat,
    /// The call's result names the agent.
    AgentResult,
    /// The headers name a new agent, and a call of its session has its prompt.
    AgentPrompt,
    /// The headers name a new agent; a call of the agent above it is open.
    AgentHeader,
    /// A call has the prompt.
    Prompt,
    /// The answer holds the summary.
    Summary,
    /// The client says that the history was summarised.
    SummaryHeader,
    /// Nothing but the session is common.
    Session,
    /// No edge.
    None,
    /// No edge, because the one found would close a circle.
    Refused,
}

/// How far a prefix candidate is from the exchange, nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    Agent,
    Session,
    Domain,
}

/// Where an exchange's history leaves its parent's; for one that a summary led elsewhere, where it
/// leaves the history that was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joint {
    /// The current hash of the exchange there.
    pub hash: Hash,
    /// Blocks up to there.
    pub length: u32,
    pub tier: Tier,
    /// What follows it here.
    pub reply: Reply,
    /// The one there began after the exchange, by the gateways' clocks.
    pub late: bool,
}

/// The model's blocks that follow a joint, up to the next block of the user.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reply {
    /// The hash of the chain behind them; `None` when the user goes on at once.
    pub hash: Option<Hash>,
    /// The first call of a tool among them.
    pub call: Option<String>,
}

/// An edge: the part of a link that the decision gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    pub kind: LinkKind,
    pub parent: Option<ExchangeId>,
    /// The tool call that started a sub-agent.
    pub parent_task: Option<TaskRef>,
    pub method: Method,
    pub joint: Option<Joint>,
    /// Neither history nor a failure that it repeats gave a parent: calls and summaries may.
    pub head: bool,
}

/// Names a tool call in the parent's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRef {
    pub tool_use_id: String,
    /// Place among the answer's tool calls, from 0.
    pub position: u32,
}

/// A link as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub moment: Moment,
    pub edge: Edge,
    /// The first attempt of the same step; the exchange itself where there was no other.
    pub step: ExchangeId,
    /// The root's id; `None` for auxiliary exchanges.
    pub conversation: Option<ExchangeId>,
    /// The id of the exchange that opened the branch.
    pub branch: Option<ExchangeId>,
}

impl LinkKind {
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
}

impl Method {
    pub const ALL: [Self; 15] = [
        Self::Thread,
        Self::AgentPrefix,
        Self::SessionPrefix,
        Self::DomainPrefix,
        Self::SessionRepeat,
        Self::Repeat,
        Self::AgentResult,
        Self::AgentPrompt,
        Self::AgentHeader,
        Self::Prompt,
        Self::Summary,
        Self::SummaryHeader,
        Self::Session,
        Self::None,
        Self::Refused,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::AgentPrefix => "agent_prefix",
            Self::SessionPrefix => "session_prefix",
            Self::DomainPrefix => "domain_prefix",
            Self::SessionRepeat => "session_repeat",
            Self::Repeat => "repeat",
            Self::AgentResult => "agent_result",
            Self::AgentPrompt => "agent_prompt",
            Self::AgentHeader => "agent_header",
            Self::Prompt => "prompt",
            Self::Summary => "summary",
            Self::SummaryHeader => "summary_header",
            Self::Session => "session",
            Self::None => "none",
            Self::Refused => "refused",
        }
    }

    /// How sure the edge is, in percent. An order, not a probability.
    pub const fn confidence(self) -> u8 {
        match self {
            Self::Thread | Self::AgentPrefix | Self::AgentResult | Self::None => 100,
            Self::SessionRepeat | Self::AgentPrompt => 98,
            Self::SessionPrefix => 95,
            Self::DomainPrefix | Self::Summary => 90,
            Self::Repeat | Self::Prompt => 80,
            Self::AgentHeader | Self::SummaryHeader => 70,
            Self::Session | Self::Refused => 40,
        }
    }
}

impl Tier {
    pub const fn method(self) -> Method {
        match self {
            Self::Agent => Method::AgentPrefix,
            Self::Session => Method::SessionPrefix,
            Self::Domain => Method::DomainPrefix,
        }
    }
}

impl Edge {
    /// No parent.
    pub const fn root() -> Self {
        Self::none(LinkKind::Root, true)
    }

    pub const fn auxiliary() -> Self {
        Self::none(LinkKind::Auxiliary, false)
    }

    pub fn to(kind: LinkKind, parent: ExchangeId, method: Method) -> Self {
        Self { parent: Some(parent), method, ..Self::none(kind, false) }
    }

    /// The call's place in its answer; behind all others when the call is unknown.
    pub fn task_position(&self) -> u32 {
        self.parent_task.as_ref().map_or(u32::MAX, |task| task.position)
    }

    /// Whether the parent was found by what came before in time, and not by a history, which only
    /// grows. With clocks that disagree, such edges could close a circle.
    pub const fn goes_by_time(&self) -> bool {
        match self.method {
            Method::AgentResult
            | Method::AgentPrompt
            | Method::AgentHeader
            | Method::Prompt
            | Method::Summary
            | Method::SummaryHeader
            | Method::Session => true,
            // Only when no call of those before it was open.
            Method::SessionRepeat => self.head,
            Method::Thread
            | Method::AgentPrefix
            | Method::SessionPrefix
            | Method::DomainPrefix
            | Method::Repeat
            | Method::None
            | Method::Refused => false,
        }
    }

    const fn none(kind: LinkKind, head: bool) -> Self {
        Self { kind, parent: None, parent_task: None, method: Method::None, joint: None, head }
    }
}

impl Link {
    /// Before its place in the graph is known.
    pub fn new(moment: Moment, edge: Edge) -> Self {
        Self { moment, edge, step: moment.id, conversation: None, branch: None }
    }

    /// Whether the exchange is part of a conversation.
    pub fn is_member(&self) -> bool {
        self.edge.kind != LinkKind::Auxiliary
    }
}

impl LinkKind {
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Method {
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

impl Tier {
    pub const ALL: [Self; 3] = [Self::Agent, Self::Session, Self::Domain];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Session => "session",
            Self::Domain => "domain",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.as_str() == name)
    }
}
