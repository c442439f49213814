//! What the linker knows of an exchange: small, and enough to decide every link without the bodies.

mod answer;
mod event;
mod request;
mod result;
mod summaries;
mod summary;
mod system;

use jiff::Timestamp;
use nexus_contract::ExchangeId;
use serde::{Deserialize, Serialize};

use crate::hash::Hash;

pub use answer::{AnswerFacts, HARNESSES};
pub use request::{RequestContext, RequestFacts, prompt_hash};
pub use summaries::Summary;
pub use system::system_hash;

/// Microseconds since 1970, then the id: the order of exchanges in time, without ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment {
    pub at: i64,
    pub id: ExchangeId,
}

impl Moment {
    /// Before everything.
    pub const FIRST: Self = Self { at: i64::MIN, id: ExchangeId(uuid::Uuid::nil()) };

    pub fn new(at: Timestamp, id: ExchangeId) -> Self {
        Self { at: at.as_microsecond(), id }
    }
}

/// A call that starts a sub-agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpawnCall {
    pub tool_use_id: String,
    /// Place among the answer's tool calls, from 0.
    pub position: u32,
    /// `Agent`, `Task`, `Workflow`, `Skill`.
    pub name: String,
    /// Hash of the prompt that the sub-agent begins with, where the call has one.
    pub prompt: Option<Hash>,
}

/// A result that names the agent whose work it hands back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentResult {
    pub tool_use_id: String,
    pub agent: String,
}

/// A part of an exchange's facts; the parts come in any order.
#[derive(Debug, Clone)]
pub enum Fact {
    Request(ExchangeId, Box<RequestFacts>),
    Answer(ExchangeId, Box<AnswerFacts>),
}

impl Fact {
    pub fn id(&self) -> ExchangeId {
        match self {
            Self::Request(id, _) | Self::Answer(id, _) => *id,
        }
    }
}
