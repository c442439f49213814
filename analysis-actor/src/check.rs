//! Tries the settings out: one call with a transcript of a few words.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use nexus_contract::{ExchangeId, TerminalState};
use nexus_messages::transcript::{self, Exchange, Window};
use serde_json::json;
use thiserror::Error;

use crate::{
    config::AnalysisConfig,
    gemini::{CallError, Gemini, Usage},
    prompt::{self, PromptError},
    report,
};

/// Why an analysis would fail with these settings.
#[derive(Debug, Error)]
pub enum CheckError {
    #[error("no HTTP client for Gemini can be made: {0}")]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Prompt(#[from] PromptError),
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What the call told.
#[derive(Debug)]
pub struct Checked {
    /// The model that answered, as it names itself.
    pub model: Option<String>,
    /// Whether the answer kept to the schema.
    pub is_data: bool,
    pub estimated_tokens: u64,
    pub usage: Usage,
    pub took: Duration,
}

/// Asks Gemini for the analysis of a greeting, once, as a job would. It costs some thousand tokens.
///
/// # Errors
/// When a job would fail, for the reason that it would.
pub async fn check(config: &AnalysisConfig) -> Result<Checked, CheckError> {
    let greeting = greeting();
    let window = Window { before: None, exchanges: &greeting, after: None };
    let prompt = prompt::build(&transcript::read(&window), None, &config.truncation, 0)?;
    let began = Instant::now();
    let answer = Gemini::new(&config.gemini)?.generate(&prompt).await?;
    Ok(Checked {
        is_data: report::read(&answer.text, answer.is_cut).data.is_some(),
        model: answer.model,
        estimated_tokens: prompt.estimated_tokens,
        usage: answer.usage,
        took: began.elapsed(),
    })
}

fn greeting() -> Vec<Exchange> {
    let request = json!({"messages": [{"role": "user", "content": "Say hello."}]});
    vec![Exchange {
        id: ExchangeId::from_external("nexus analyses check-config"),
        at: Timestamp::UNIX_EPOCH,
        state: TerminalState::Completed,
        request: request.to_string().into(),
        answer: Vec::new(),
        stop_reason: None,
        failure: None,
    }]
}
