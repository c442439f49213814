//! Facts of an answer.

use nexus_contract::TerminalState;
use nexus_messages::{Answer, Block, answer::ToolUse, request::Object};
use serde::{Deserialize, Serialize};

use super::{SpawnCall, request::prompt_hash, summary};
use crate::{block::Normal, hash::Hash};

/// Calls that start sub-agents with a prompt, and calls that start some without one.
const SPAWNS: [&str; 2] = ["Agent", "Task"];
pub const HARNESSES: [&str; 2] = ["Workflow", "Skill"];
/// Stop reasons of answers that are no more than a beginning.
const LIMITS: [&str; 3] = ["max_tokens", "model_context_window_exceeded", "refusal"];
/// More calls in one answer are looked at as if they were not there.
const MAX_CALLS: usize = 256;

/// What an answer contributes to the decision.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AnswerFacts {
    /// It came to its end and is a message: the client could go on from it.
    pub complete: bool,
    /// It ended at a limit or with a refusal, for which clients ask the same again.
    #[serde(default)]
    pub limited: bool,
    /// The message's id, which message threads name.
    pub message_id: Option<String>,
    /// Its blocks in normal form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Normal>,
    /// The id of the first tool it calls.
    pub first_call: Option<String>,
    pub spawns: Vec<SpawnCall>,
    /// Probe of its `<summary>`.
    pub summary: Option<Hash>,
    /// Probe of its whole text, for a request that asked for a summary and got it plain.
    pub plain_summary: Option<Hash>,
}

impl AnswerFacts {
    /// Reads the facts off an assembled answer.
    pub fn read(state: TerminalState, answer: &Answer) -> Self {
        let complete =
            state == TerminalState::Completed && answer.complete && answer.error.is_none();
        let text = answer.text();
        Self {
            complete,
            limited: answer.stop_reason().is_some_and(|reason| LIMITS.contains(&reason)),
            message_id: answer.id().map(str::to_owned),
            blocks: blocks(answer),
            first_call: answer.tool_uses().next().map(|call| call.id.to_owned()),
            spawns: spawns(answer),
            summary: summary::answer_probe(&text, false),
            plain_summary: summary::answer_probe(&text, true),
        }
    }
}

impl AnswerFacts {
    /// Complete, and neither empty nor limited: who has it has no reason to ask the same again.
    pub fn satisfies(&self) -> bool {
        self.complete && !self.limited && !self.blocks.is_empty()
    }
}

fn blocks(answer: &Answer) -> Vec<Normal> {
    let spelled = answer.content.iter().filter_map(|block| serde_json::to_string(block).ok());
    let normal = spelled.filter_map(|block| {
        let object: Object<'_> = serde_json::from_str(&block).ok()?;
        Normal::of(&Block::read(object), true)
    });
    normal.collect()
}

fn spawns(answer: &Answer) -> Vec<SpawnCall> {
    let calls = (0..).zip(answer.tool_uses()).take(MAX_CALLS);
    calls.filter_map(|(position, call)| spawn(position, &call)).collect()
}

fn spawn(position: u32, call: &ToolUse<'_>) -> Option<SpawnCall> {
    let prompt = call.input.get("prompt").and_then(|prompt| prompt.as_str());
    let prompt = if SPAWNS.contains(&call.name) {
        Some(prompt_hash(prompt?))
    } else if HARNESSES.contains(&call.name) {
        None
    } else {
        return None;
    };
    let (tool_use_id, name) = (call.id.to_owned(), call.name.to_owned());
    Some(SpawnCall { tool_use_id, position, name, prompt })
}
