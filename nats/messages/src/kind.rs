//! What a request is for: the probe of a quota, work for the user interface, or the agent's own.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    identity::{RequestClass, is_from_agent},
    request::{Block, Request},
    text::{next_reminder, without_reminders},
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

/// What the system prompts of known auxiliary requests hold.
const SYSTEMS: [&str; 40] = [
    "Analyze if this message indicates a new conversation topic",
    "Analyze this message and come up with a single positive, cheerful and delightful verb",
    "Extract any file paths that this command reads or modifies",
    "Generate a concise title",
    "Generate a concise, sentence-case title",
    "Generate a concise, technical issue title",
    "Generate a short kebab-case name",
    "Predict what the user would naturally type next",
    "Summarize this coding conversation in under 50 characters",
    "The record below is your own conversation so far, shortened",
    "Write a one-line summary of what these tool calls did",
    "Write a short summary label describing what these tool calls accomplished",
    "You are a classifier. Answer with exactly one of these labels",
    "You are a date/time parser that converts natural language",
    "You are a security monitor for autonomous AI coding agents",
    "You are a strict, terse evaluation judge for coding-agent traces",
    "You are an assistant for performing a web search tool use",
    "You are an elite AI agent architect",
    "You are an expert at analyzing git history",
    "You are an expert reviewer of auto mode classifier rules",
    "You are analyzing output from a bash command",
    "You are analyzing user messages from a conversation to detect certain features",
    "You are coming up with a succinct title",
    "You are evaluating a hook in Claude Code",
    "You are evaluating a stop-condition hook in Claude Code",
    "You are given a few messages from a conversation, as well as a summary",
    "You are naming a coding session",
    "You are selecting memories that will be useful to Claude Code",
    "You generate titles",
    "You keep the check marks on the task list that a person sees",
    "You read a Claude Code user's own configuration",
    "You write a 3-5 word progress label",
    "You write one short acknowledgement sentence for an artifact comment thread",
    "You write single comment replies on artifact comment threads",
    "You write the status card for one Claude Code thread",
    "You write the title and the description of a GitHub pull request",
    "Your task is to determine the command prefix",
    "Your task is to process Bash commands that an AI coding agent wants to run",
    "a helpful observer whose goal is to help the human better understand their work",
    "write a 5-10 word title",
];

/// How the only message of known auxiliary requests without a system prompt of their own begins.
const PROMPTS: [&str; 9] = [
    "Analyze this Claude Code session and extract structured facets",
    "Analyze this Claude Code usage data and",
    "Please write a 5-10 word title for the following conversation",
    "Please write a 5-10 word title the following conversation",
    "Web page content:\n---",
    "<policy_spec>",
    "Respond with the title for the conversation",
    "Summarize this portion of a Claude Code session transcript",
    "You're writing an \"At a Glance\" summary for a Claude Code usage insights report",
];

/// How the only message of requests begins that a client sends on its own account, with its tools.
const OWN: [&str; 1] = ["Perform a web search for the query: "];
/// The whole of the only message with which a client fills a sub-agent's prompt cache.
const WARM_UP: &str = "Warmup";

/// How a text begins with which a client asks something aside, behind the whole history. Some of it takes
/// tools, and so more than one request.
const ASIDE: [&str; 7] = [
    "[SUGGESTION MODE:",
    "The user stepped away and is coming back. Recap",
    "Generate a one-line session recap now",
    "Generate a short kebab-case name (2-4 words) that captures the main topic of this conversation",
    "Describe your most recent action in 3-5 words using present tense",
    "You are now acting as the memory extraction subagent",
    "IMPORTANT: This message and these instructions are NOT part of the actual user conversation",
];

/// How the reminder begins that stands before what a person asks aside.
const ASIDE_REMINDERS: [&str; 2] =
    ["This is a side question from the user", "This is a side request from the user"];

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
    if asks_aside(request) || is_own(request) || is_probe(request) {
        return true;
    }
    if request.has_tools() {
        return false;
    }
    let in_system = request.system_texts().any(|text| SYSTEMS.iter().any(|is| text.contains(is)));
    in_system
        || only_text(request).is_some_and(|text| PROMPTS.iter().any(|is| text.starts_with(is)))
}

/// The first text of the only message, without reminders.
fn only_text<'a>(request: &'a Request<'_>) -> Option<Cow<'a, str>> {
    let [message] = request.messages.as_slice() else { return None };
    let texts = message.blocks.iter().filter_map(Block::text).map(without_reminders);
    texts.map(trimmed).find(|text| !text.is_empty())
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// Under a system prompt of its own; a plain call with the same words is somebody's.
fn is_own(request: &Request<'_>) -> bool {
    let is = |text: Cow<'_, str>| text == WARM_UP || OWN.iter().any(|is| text.starts_with(is));
    request.system_texts().next().is_some() && only_text(request).is_some_and(is)
}

/// One token at most: an agent tries a key or a model, counts tokens, or warms a cache. A plain call is somebody's
/// own.
fn is_probe(request: &Request<'_>) -> bool {
    request.max_tokens.is_some_and(|max| max <= 1)
        && (request.has_tools() || is_from_agent(request))
}

/// Whether the last message of the user that holds more than results and reminders asks it.
fn asks_aside(request: &Request<'_>) -> bool {
    let mut users = request.messages.iter().rev().filter(|message| message.role == "user");
    let said = users.find_map(|message| {
        let texts = || message.blocks.iter().filter_map(Block::text);
        let aside = texts().any(is_aside);
        let other = || texts().any(|text| !without_reminders(text).trim().is_empty());
        (aside || other()).then_some(aside)
    });
    said.unwrap_or_default()
}

fn is_aside(text: &str) -> bool {
    let text = text.trim_start();
    let begins = |text: &str, known: &[&str]| known.iter().any(|is| text.starts_with(is));
    begins(text, &ASIDE) || reminder(text).is_some_and(|said| begins(said, &ASIDE_REMINDERS))
}

/// What the reminder says with which `text` begins.
fn reminder(text: &str) -> Option<&str> {
    let (before, inside, _) = next_reminder(text)?;
    before.is_empty().then(|| inside.trim_start())
}

#[cfg(test)]
mod tests;
