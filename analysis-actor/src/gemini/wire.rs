//! The JSON of `generateContent` (<https://ai.google.dev/api/generate-content>), as far as it is used.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::prompt::Prompt;

/// Low, for judgements that repeat.
const TEMPERATURE: f64 = 0.1;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    system_instruction: Content<'a>,
    contents: [Content<'a>; 1],
    generation_config: GenerationConfig<'a>,
}

#[derive(Debug, Serialize)]
struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: Vec<Part<'a>>,
}

#[derive(Debug, Serialize)]
struct Part<'a> {
    text: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    temperature: f64,
    response_mime_type: &'static str,
    response_schema: &'a RawValue,
}

impl<'a> Request<'a> {
    pub fn new(prompt: &'a Prompt) -> serde_json::Result<Self> {
        let part = |text: &'a String| Part { text };
        Ok(Self {
            system_instruction: Content { role: None, parts: vec![part(&prompt.system)] },
            contents: [Content {
                role: Some("user"),
                parts: prompt.parts.iter().map(part).collect(),
            }],
            generation_config: GenerationConfig {
                temperature: TEMPERATURE,
                response_mime_type: "application/json",
                response_schema: serde_json::from_str(prompt.schema)?,
            },
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Response {
    pub candidates: Vec<Candidate>,
    pub prompt_feedback: Option<Feedback>,
    pub usage_metadata: UsageMetadata,
    pub model_version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Feedback {
    pub block_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Candidate {
    pub content: CandidateContent,
    pub finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CandidateContent {
    pub parts: Vec<AnswerPart>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AnswerPart {
    pub text: Option<String>,
    /// The part is a summary of the model's thinking, not its answer.
    pub thought: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UsageMetadata {
    #[serde(rename = "promptTokenCount")]
    pub prompt: Option<u64>,
    #[serde(rename = "candidatesTokenCount")]
    pub candidates: Option<u64>,
    #[serde(rename = "thoughtsTokenCount")]
    pub thoughts: Option<u64>,
}

/// `{"error": {"code", "message", "status", "details"}}`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorBody {
    pub error: ApiError,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ApiError {
    pub message: String,
    pub status: String,
    pub details: Vec<Detail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Detail {
    /// Of a `google.rpc.RetryInfo`: `"34s"`, `"1.5s"`.
    pub retry_delay: Option<String>,
    /// Of a `google.rpc.ErrorInfo`: `API_KEY_INVALID`.
    pub reason: Option<String>,
}
