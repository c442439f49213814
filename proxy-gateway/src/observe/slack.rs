//! Slack notices: what a person asked and what the model answered, and every error.

use std::collections::{HashMap, VecDeque};

use nexus_contract::{TerminalState, mask::mask_secrets};
use nexus_messages::text::human_prompt;
use serde_json::{Value, json};

use super::{masked::line, outbox::Message, reading::Reading};
use crate::config::SlackConfig;

/// Characters of a user's or a model's text in a notice.
const MAX_TEXT: usize = 1500;

/// Tools that are listed by line.
const MAX_TOOLS: usize = 10;

/// Sessions whose last prompt is remembered, so that its repetition is not told again.
const MAX_SESSIONS: usize = 2_000;

/// Decides what is told, and writes it.
#[derive(Default)]
pub struct Slack {
    last: HashMap<String, String>,
    order: VecDeque<String>,
}

impl Slack {
    /// The notice of an exchange, if it deserves one.
    pub fn notice(&mut self, reading: &Reading<'_>, config: &SlackConfig) -> Option<Message> {
        let text = match reading.report.outcome.state {
            TerminalState::Completed => self.prompt_notice(reading)?,
            TerminalState::ClientAborted | TerminalState::Aborted => return None,
            _failed => error_notice(reading),
        };
        Some(message(config, &text))
    }

    /// Told once per prompt: the turns that only carry tool results have none.
    fn prompt_notice(&mut self, reading: &Reading<'_>) -> Option<String> {
        let prompt = human_prompt(reading.request.as_ref().filter(|_| reading.is_inference())?)?;
        let session = reading.session();
        if self.last.get(&session) == Some(&prompt) {
            return None;
        }
        self.remember(session, prompt.clone());
        let mut lines = vec![
            format!("*{}* ({})", reading.report.domain, reading.model()),
            format!(":bust_in_silhouette: {}", line(&prompt, MAX_TEXT)),
        ];
        let answer = reading.answer.text();
        if !answer.is_empty() {
            lines.push(format!(":robot_face: {}", line(&answer, MAX_TEXT)));
        }
        let tools = reading.answer.tool_uses().take(MAX_TOOLS);
        lines.extend(
            tools.map(|tool| {
                format!(":wrench: {} {}", tool.name, line(&tool.input.to_string(), 120))
            }),
        );
        Some(lines.join("\n"))
    }

    fn remember(&mut self, session: String, prompt: String) {
        if self.last.insert(session.clone(), prompt).is_none() {
            self.order.push_back(session);
        }
        if self.order.len() > MAX_SESSIONS
            && let Some(oldest) = self.order.pop_front()
        {
            self.last.remove(&oldest);
        }
    }
}

fn error_notice(reading: &Reading<'_>) -> String {
    let outcome = &reading.report.outcome;
    let status = outcome.status.map_or_else(|| "no status".to_owned(), |status| status.to_string());
    let said = reading.answer.error.as_ref().map(|error| error.message.clone());
    let why = said.or_else(|| outcome.error.clone()).unwrap_or_default();
    format!(
        ":warning: *{}* {} ({status}): {}\n{}",
        reading.report.domain,
        outcome.state.as_str(),
        line(&why, MAX_TEXT),
        reading.report.id,
    )
}

/// A notice for a webhook, without secrets.
pub fn message(config: &SlackConfig, text: &str) -> Message {
    let body = payload(config, &mask_secrets(text));
    Message { kind: "slack", url: config.webhook_url.clone(), body }
}

fn payload(config: &SlackConfig, text: &str) -> Value {
    let mut body = json!({ "text": text });
    let options = [
        ("channel", &config.channel),
        ("username", &config.username),
        ("icon_emoji", &config.icon_emoji),
    ];
    for (name, value) in options {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    body
}
