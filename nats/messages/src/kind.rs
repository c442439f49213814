//! What a request is for: the probe of a quota, work for the user interface, or the agent's own.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    identity::RequestClass,
    request::{Block, Request},
    text::without_reminders,
};

/// The type of a request to `/v1/messages`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestType {
    /// The client asks whether it has quota left.
    Quota,
    /// Titles, summaries, classifiers for the user interface; never part of a conversation.
    Auxiliary,
    /// Everything else.
    Inference,
}

/// How the system prompts of known auxiliary requests begin or what they hold.
const SYSTEMS: [&str; 16] = [
    "Analyze if this message indicates a new conversation topic",
    "Summarize this coding conversation in under 50 characters",
    "Generate a concise, sentence-case title",
    "Generate a concise title",
    "Generate a short kebab-case name",
    "You are coming up with a succinct title",
    "You are naming a coding session",
    "You generate titles",
    "write a 5-10 word title",
    "Your task is to process Bash commands that an AI coding agent wants to run",
    "Your task is to determine the command prefix",
    "Extract any file paths that this command reads or modifies",
    "You are analyzing output from a bash command",
    "You are an expert at analyzing git history",
    "Write a one-line summary of what these tool calls did",
    "Predict what the user would naturally type next",
];

/// How the only message of known auxiliary requests without a system prompt of their own begins.
const PROMPTS: [&str; 4] = [
    "Please write a 5-10 word title for the following conversation",
    "Web page content:\n---",
    "<policy_spec>",
    "Respond with the title for the conversation",
];

impl RequestType {
    pub const ALL: [Self; 3] = [Self::Quota, Self::Auxiliary, Self::Inference];

    /// By the class that the client names, else by the shapes that older clients are known to send.
    ///
    /// A plain call without tools or system prompt is no auxiliary: SDK users send such.
    pub fn of(class: Option<RequestClass>, request: &Request<'_>) -> Self {
        if is_quota(request) {
            return Self::Quota;
        }
        match class {
            Some(RequestClass::Auxiliary) => Self::Auxiliary,
            Some(_other) => Self::Inference,
            None if has_auxiliary_shape(request) => Self::Auxiliary,
            None => Self::Inference,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::Auxiliary => "auxiliary",
            Self::Inference => "inference",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}

impl fmt::Display for RequestType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One token at most in answer to the word `quota` alone.
fn is_quota(request: &Request<'_>) -> bool {
    let [message] = request.messages.as_slice() else { return false };
    let [Block::Text(text)] = message.blocks.as_slice() else { return false };
    request.max_tokens == Some(1) && text.trim() == "quota"
}

fn has_auxiliary_shape(request: &Request<'_>) -> bool {
    if request.has_tools() {
        return false;
    }
    let in_system = request.system_texts().any(|text| SYSTEMS.iter().any(|is| text.contains(is)));
    in_system || asks_auxiliary_prompt(request)
}

fn asks_auxiliary_prompt(request: &Request<'_>) -> bool {
    let [message] = request.messages.as_slice() else { return false };
    let Some(text) = message.blocks.iter().find_map(Block::text) else { return false };
    let text = without_reminders(text);
    PROMPTS.iter().any(|is| text.trim_start().starts_with(is))
}

#[cfg(test)]
mod tests;
