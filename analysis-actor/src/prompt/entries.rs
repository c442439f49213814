//! The messages of a transcript, as the model is to read them.

use std::fmt::Write;

use nexus_contract::mask_secrets;
use nexus_messages::transcript::{Content, Item, ToolOutcome, Turn};
use serde_json::Value;

use super::cut::cut_middle;

/// Inputs and results of tools are shortened to so many tokens.
const MAX_INPUT: u64 = 300;
const MAX_RESULT: u64 = 500;
/// A sub-agent's prompt and its result are its whole story.
const MAX_AGENT: u64 = 2_000;
/// How newer and older clients call the tool that starts a sub-agent.
const AGENT_TOOLS: [&str; 2] = ["Agent", "Task"];

/// One message of the transcript, free of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub from: &'static str,
    pub text: String,
}

impl Entry {
    fn new(from: &'static str, text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self { from, text: mask_secrets(text).into_owned() })
    }
}

/// The messages of a branch, oldest first. Reminders, system prompts and thinking are left out.
pub(crate) fn entries(turns: &[Turn]) -> Vec<Entry> {
    turns.iter().flat_map(|turn| &turn.items).filter_map(entry).collect()
}

fn entry(item: &Item) -> Option<Entry> {
    match &item.content {
        Content::Human { text } => Entry::new("human", text),
        Content::Assistant { text, .. } => Entry::new("assistant", text),
        Content::ToolCall { name, input, outcome, .. } => {
            Entry::new("tool call", &call(name, input, outcome.as_ref()))
        }
        Content::ToolResult { outcome, .. } => {
            Entry::new("tool result", &result(outcome, MAX_RESULT))
        }
        Content::Compaction { summary } => Entry::new("summary of the compacted history", summary),
        Content::Error { kind, message, .. } => Entry::new("error", &format!("{kind}: {message}")),
        Content::Image { .. } => Entry::new("human", "(an image)"),
        Content::Document { title, .. } => Entry::new(
            "human",
            &format!("(a document: {})", title.as_deref().unwrap_or("untitled")),
        ),
        Content::Unknown { .. }
        | Content::Text { .. }
        | Content::Source { .. }
        | Content::Thinking { .. }
        | Content::SystemPrompt { .. }
        | Content::Reminders { .. } => None,
    }
}

fn call(name: &str, input: &Value, outcome: Option<&ToolOutcome>) -> String {
    let is_agent = AGENT_TOOLS.contains(&name);
    let (max_input, max_result) =
        if is_agent { (MAX_AGENT, MAX_AGENT) } else { (MAX_INPUT, MAX_RESULT) };
    let mut text = format!("{name}\n{}", shown(input, max_input));
    let result = match outcome {
        Some(outcome) => result(outcome, max_result),
        None => "(no result)".to_owned(),
    };
    // Writing to a string does not fail.
    let _ = write!(text, "\nresult: {result}");
    text
}

/// Secrets go first: a cut through the middle of one would hide its shape.
fn result(outcome: &ToolOutcome, max_tokens: u64) -> String {
    let parts = outcome.content.iter().filter_map(|part| match part {
        Content::Image { .. } => Some("(an image)"),
        Content::Document { .. } => Some("(a document)"),
        other => other.text(),
    });
    let text = parts.collect::<Vec<_>>().join("\n");
    let text = cut_middle(&mask_secrets(&text), max_tokens);
    if outcome.is_error { format!("(error) {text}") } else { text }
}

/// An input's fields, one a line, texts with their own line breaks.
fn shown(input: &Value, max_tokens: u64) -> String {
    let Value::Object(fields) = input else { return short(&plain(input), max_tokens) };
    let lines = fields.iter().map(|(name, value)| {
        // Masked beside its name: that is what tells a password.
        short(&format!("{name}: {}", plain(value)), max_tokens)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn short(text: &str, max_tokens: u64) -> String {
    cut_middle(&mask_secrets(text), max_tokens)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
