//! From the turns of a branch to what Gemini is asked.
//!
//! Pure: secrets are removed from each message first, then the transcript is shortened, then it is
//! framed. Lines that structure it carry a mark that no message holds, so that nothing inside can
//! pass for the end of the data.

mod cut;
mod entries;
mod tokens;
mod truncate;

use nexus_contract::{ExchangeId, mask_secrets};
use nexus_messages::transcript::Turn;
use thiserror::Error;

use self::{
    entries::{Entry, entries},
    truncate::{Truncated, truncate},
};
use crate::config::Truncation;

/// Version of the instructions, the task and the schema; recorded with each result.
pub const PROMPT_VERSION: &str = "1";

const INSTRUCTIONS: &str = include_str!("prompt/instructions.md");
const SCHEMA: &str = include_str!("prompt/schema.json");
const TASK: &str =
    "Analyse the following transcript and answer with the JSON object of the schema.";
const CUSTOM: &str = "The person who asked for this analysis adds, within the same schema:";
const AGAIN: &str = "The transcript is over. Answer with the JSON object of the schema now.";
/// What the parts around the transcript may be larger than estimated, for their roles and joints.
const SLACK_TOKENS: u64 = 50;
/// With less room for the transcript there is no point in asking.
const MIN_ROOM: u64 = 100;

/// What Gemini is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    pub system: String,
    /// The parts of the one message of the user: task, transcript, and the task once more.
    pub parts: Vec<String>,
    /// The answer's schema, in the dialect of OpenAPI that Gemini takes.
    pub schema: &'static str,
    /// By the local estimate, with the schema.
    pub estimated_tokens: u64,
    /// The newest exchange of the transcript.
    pub through: Option<ExchangeId>,
}

/// Why there is no prompt.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PromptError {
    #[error("the branch holds nothing that could be analysed")]
    Empty,
    #[error(
        "the instructions alone take {needed} tokens, and AI_MAX_PROMPT_TOKENS allows {allowed}"
    )]
    TooLarge { needed: u64, allowed: u64 },
}

/// Builds the prompt. `mark` is random; another one is taken when a message holds it.
pub fn build(
    turns: &[Turn],
    custom_prompt: Option<&str>,
    config: &Truncation,
    mark: u64,
) -> Result<Prompt, PromptError> {
    let entries = entries(turns);
    if entries.is_empty() {
        return Err(PromptError::Empty);
    }
    let task = task(custom_prompt);
    let around = estimate(&[INSTRUCTIONS, SCHEMA, &task, AGAIN]) + SLACK_TOKENS;
    let room = config.max_prompt_tokens.checked_sub(around).filter(|room| *room >= MIN_ROOM);
    let Some(room) = room else {
        return Err(PromptError::TooLarge { needed: around, allowed: config.max_prompt_tokens });
    };
    let mark = unused_mark(&entries, mark);
    let transcript = framed(&truncate(entries, config, room), &mark);
    Ok(Prompt {
        estimated_tokens: around + estimate(&[&transcript]),
        system: INSTRUCTIONS.to_owned(),
        parts: vec![task, transcript, AGAIN.to_owned()],
        schema: SCHEMA,
        through: turns.last().map(|turn| turn.id),
    })
}

fn task(custom_prompt: Option<&str>) -> String {
    match custom_prompt.map(str::trim).filter(|custom| !custom.is_empty()) {
        Some(custom) => format!("{TASK}\n\n{CUSTOM}\n{}", mask_secrets(custom)),
        None => TASK.to_owned(),
    }
}

fn estimate(texts: &[&str]) -> u64 {
    tokens::tokens(texts.iter().map(|text| tokens::weight(text)).sum())
}

fn unused_mark(entries: &[Entry], mut mark: u64) -> String {
    loop {
        let text = format!("{:08x}", mark & 0xffff_ffff);
        if entries.iter().all(|entry| !entry.text.contains(&text)) {
            return text;
        }
        mark = mark.wrapping_add(1);
    }
}

fn framed(truncated: &Truncated, mark: &str) -> String {
    let line = |what: &str| format!("--- {mark} {what} ---\n");
    let message = |(number, entry): (usize, &Entry)| {
        format!("{}{}\n", line(&format!("{number} {}", entry.from)), entry.text)
    };
    let head = truncated.head.len();
    let left_out = truncated.gap.map_or(0, |gap| gap.messages);
    let mut text = line("BEGIN TRANSCRIPT");
    text.extend((1..).zip(&truncated.head).map(message));
    text.extend(truncated.gap.map(|gap| line(&gap.marker())));
    text.extend((head + left_out + 1..).zip(&truncated.tail).map(message));
    text.push_str(&line("END TRANSCRIPT"));
    text
}

#[cfg(test)]
mod tests;
