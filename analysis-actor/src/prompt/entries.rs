//! The messages of a transcript, as the model is to read them.

use std::fmt::Write;

use nexus_contract::mask_secrets;
use nexus_messages::{
    text::human_text,
    transcript::{Content, Item, ToolOutcome, Turn, wrote_summary},
};
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
    let next = turns.iter().skip(1).map(Some).chain([None]);
    turns.iter().zip(next).flat_map(|(turn, next)| said(turn, next)).filter_map(entry).collect()
}

/// A turn's items. A client that compacts asks the model for a summary in its user's name; the next
/// turn begins with it, so neither that request nor its answer is told.
fn said<'a>(turn: &'a Turn, next: Option<&Turn>) -> &'a [Item] {
    let is_human = |item: &Item| matches!(item.content, Content::Human { .. });
    match next.filter(|next| goes_on_from(turn, next)) {
        Some(_) => &turn.items[..turn.items.iter().rposition(is_human).unwrap_or(0)],
        None => &turn.items,
    }
}

/// Whether the summary with which `next` begins is the answer of `turn`.
fn goes_on_from(turn: &Turn, next: &Turn) -> bool {
    let summary = next.items.iter().find_map(|item| match &item.content {
        Content::Compaction { summary } => (!summary.trim().is_empty()).then_some(summary),
        _ => None,
    });
    let answer = turn.items.iter().rev().find_map(|item| match &item.content {
        Content::Assistant { text, .. } => Some(text),
        _ => None,
    });
    summary.zip(answer).is_some_and(|(summary, answer)| wrote_summary(answer, summary))
}

fn entry(item: &Item) -> Option<Entry> {
    match &item.content {
        Content::Human { text } => Entry::new("human", &human_text(text)?),
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
