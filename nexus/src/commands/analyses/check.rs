//! `nexus analyses check-config`: asks Gemini once, with the settings as they are.

use nexus_analysis::{
    CheckError, Checked,
    gemini::{CallError, Cause},
};
use serde_json::{Value, json};

use crate::{failure::WrongUsage, output::Output, roles::analysis_config, settings::Settings};

pub async fn run(settings: &Settings, output: Output) -> anyhow::Result<()> {
    let key = settings.gemini_key.clone().ok_or_else(|| {
        WrongUsage::new("GEMINI_API_KEY is not set; get one at https://aistudio.google.com/apikey")
    })?;
    let config = analysis_config(settings, key, "nexus analyses check-config");
    let checked = nexus_analysis::check(&config).await.map_err(|error| explained(&error))?;
    output.print(&found(settings, &checked), |_| sentences(settings, &checked))
}

/// What is wrong, and what to do about it.
fn explained(error: &CheckError) -> anyhow::Error {
    let advice = match error {
        CheckError::Http(_) => "check the system's certificates",
        CheckError::Prompt(_) => "raise AI_MAX_PROMPT_TOKENS",
        CheckError::Call(call) => advice(call),
    };
    anyhow::anyhow!("{error} ({advice})")
}

fn advice(call: &CallError) -> &'static str {
    match call.cause {
        Cause::BadKey => "check GEMINI_API_KEY: it must be valid and may use GEMINI_MODEL_NAME",
        Cause::Refused if call.status == Some(404) => {
            "check GEMINI_MODEL_NAME, and that GEMINI_API_URL ends in its version and /models"
        }
        Cause::Refused => "check GEMINI_API_URL and GEMINI_MODEL_NAME",
        Cause::RateLimited => "the key works, but its quota is used up: wait, or raise the quota",
        Cause::Server => "the settings may be right: try again later",
        Cause::Timeout => "raise AI_ANALYSIS_GEMINI_REQUEST_TIMEOUT_MS, or check the network",
        Cause::Connection => "check GEMINI_API_URL and the network",
        Cause::Malformed | Cause::Empty | Cause::Safety | Cause::MaxTokens => {
            "check GEMINI_API_URL, or choose another GEMINI_MODEL_NAME"
        }
    }
}

fn found(settings: &Settings, checked: &Checked) -> Value {
    json!({
        "worker": settings.ai_enabled,
        "model": settings.gemini_model,
        "url": settings.gemini_url.as_str(),
        "answeredBy": checked.model,
        "keepsToSchema": checked.is_data,
        "promptTokens": checked.usage.prompt_tokens,
        "estimatedPromptTokens": checked.estimated_tokens,
        "completionTokens": checked.usage.completion_tokens,
        "tookMs": u64::try_from(checked.took.as_millis()).unwrap_or(u64::MAX),
    })
}

fn sentences(settings: &Settings, checked: &Checked) -> String {
    let model = checked.model.as_deref().unwrap_or(&settings.gemini_model);
    let mut lines = vec![format!(
        "{model} answered after {:.1} s; the prompt was {} tokens, {} by the local estimate",
        checked.took.as_secs_f64(),
        checked
            .usage
            .prompt_tokens
            .map_or_else(|| "an unknown number of".into(), |n| n.to_string()),
        checked.estimated_tokens,
    )];
    if !checked.is_data {
        lines.push("the answer did not keep to the schema: results will be plain text".into());
    }
    if !settings.ai_enabled {
        lines
            .push("AI_WORKER_ENABLED is off here: no job is worked on by this installation".into());
    }
    lines.join("\n")
}
