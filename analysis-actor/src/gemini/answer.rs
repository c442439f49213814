//! Reading an answer of Gemini.

use super::{
    failure::{CallError, Cause},
    wire::{Candidate, Response, UsageMetadata},
};

/// What Gemini said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text parts, joined, without thinking.
    pub text: String,
    /// The text ends where the model's limit was, not where it was done.
    pub is_cut: bool,
    /// The model that answered, as it names itself.
    pub model: Option<String>,
    pub usage: Usage,
}

/// What a call cost, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub prompt_tokens: Option<u64>,
    /// The answer's, with the model's thinking.
    pub completion_tokens: Option<u64>,
}

impl Answer {
    /// Reads the body of a successful answer.
    pub(super) fn read(body: &[u8]) -> Result<Self, CallError> {
        let response = serde_json::from_slice::<Response>(body).map_err(|error| {
            CallError::new(Cause::Malformed, format!("Gemini's answer cannot be read: {error}"))
        })?;
        let usage = Usage::from(&response.usage_metadata);
        let model = response.model_version.clone();
        match text_of(response) {
            Ok((text, is_cut)) => Ok(Self { text, is_cut, model, usage }),
            Err(error) => Err(CallError { usage, model, ..error }),
        }
    }
}

impl From<&UsageMetadata> for Usage {
    fn from(counted: &UsageMetadata) -> Self {
        let parts = [counted.candidates, counted.thoughts];
        Self {
            prompt_tokens: counted.prompt,
            completion_tokens: parts.into_iter().flatten().reduce(|sum, part| sum + part),
        }
    }
}

/// Reasons for which an answer is held back.
const HELD_BACK: [&str; 7] =
    ["SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION", "IMAGE_SAFETY", "LANGUAGE"];

fn text_of(response: Response) -> Result<(String, bool), CallError> {
    if let Some(reason) = response.prompt_feedback.and_then(|feedback| feedback.block_reason) {
        let message = format!("Gemini refuses the prompt ({reason}).");
        return Err(CallError::new(Cause::Safety, message));
    }
    let Some(candidate) = response.candidates.into_iter().next() else {
        return Err(CallError::new(Cause::Empty, "Gemini's answer is empty."));
    };
    let reason = candidate.finish_reason.clone().unwrap_or_default();
    if HELD_BACK.contains(&reason.as_str()) {
        let message = format!("Gemini held its answer back ({reason}).");
        return Err(CallError::new(Cause::Safety, message));
    }
    let text = said(candidate);
    let is_cut = reason == "MAX_TOKENS";
    match (text.trim().is_empty(), is_cut) {
        (false, _) => Ok((text, is_cut)),
        (true, true) => Err(CallError::new(
            Cause::MaxTokens,
            "Gemini reached its limit of tokens before it answered.",
        )),
        (true, false) => Err(CallError::new(Cause::Empty, "Gemini's answer is empty.")),
    }
}

fn said(candidate: Candidate) -> String {
    let parts = candidate.content.parts.into_iter().filter(|part| !part.thought);
    parts.filter_map(|part| part.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Answer, Cause> {
        Answer::read(body.as_bytes()).map_err(|error| error.cause)
    }

    #[test]
    fn parts_are_joined_and_thinking_is_left_out() {
        let answer = read(
            r#"{"candidates":[{"content":{"parts":[{"text":"let me see","thought":true},
                {"text":"{\"a\":"},{"text":"1}"}],"role":"model"},"finishReason":"STOP"}],
            "usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":3,"thoughtsTokenCount":4,
                "totalTokenCount":17},"modelVersion":"gemini-x"}"#,
        )
        .expect("an answer");
        assert_eq!(answer.text, "{\"a\":1}");
        let usage = Usage { prompt_tokens: Some(10), completion_tokens: Some(7) };
        assert_eq!((answer.usage, answer.is_cut), (usage, false));
        assert_eq!(answer.model.as_deref(), Some("gemini-x"));
    }

    #[test]
    fn ends_without_an_answer_are_told_apart() {
        let ended = |reason: &str, text: &str| {
            read(&format!(
                r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}]}},"finishReason":"{reason}"}}]}}"#
            ))
        };
        assert!(ended("MAX_TOKENS", "half").is_ok_and(|answer| answer.is_cut));
        assert_eq!(ended("MAX_TOKENS", ""), Err(Cause::MaxTokens));
        assert_eq!(ended("SAFETY", ""), Err(Cause::Safety));
        assert_eq!(ended("PROHIBITED_CONTENT", "x"), Err(Cause::Safety));
        assert_eq!(ended("STOP", "  "), Err(Cause::Empty));
        assert_eq!(read(r#"{"candidates":[{"finishReason":"STOP"}]}"#), Err(Cause::Empty));
        assert_eq!(read("{}"), Err(Cause::Empty));
        assert_eq!(read(r#"{"promptFeedback":{"blockReason":"OTHER"}}"#), Err(Cause::Safety));
        assert_eq!(read("<html>"), Err(Cause::Malformed));
    }
}
