//! The stand-in for Gemini's `generateContent`.
//!
//! What it answers is chosen by `[[gemini …]]` in the request's text: `status=429 retry_after=1
//! times=2`, `finish=MAX_TOKENS|SAFETY`, `wait=500`, and the words `empty`, `blocked`, `parts` (the
//! answer in several parts, after a thinking part), `malformed` (text that is no JSON), `truncated`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Answer, Request, Service};
use crate::script::{Directive, parse};

const MAX_KEYS: usize = 10_000;
const BYTES_PER_TOKEN: usize = 4;

/// The stand-in for Gemini.
#[derive(Debug, Default)]
pub struct Gemini {
    tries: Mutex<HashMap<String, u64>>,
}

impl Gemini {
    fn still(&self, directive: &Directive, key: &str) -> bool {
        let Some(times) = directive.number("times") else { return true };
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= MAX_KEYS {
            tries.clear();
        }
        let count = tries.entry(key.to_owned()).or_default();
        *count += 1;
        *count <= times
    }
}

impl Service for Gemini {
    fn answer(&self, request: &Request) -> Answer {
        let Some(model) = request.path().strip_suffix(":generateContent") else {
            return error(404, "NOT_FOUND", "Requested entity was not found.");
        };
        match request.header("x-goog-api-key") {
            None => {
                return error(
                    403,
                    "PERMISSION_DENIED",
                    "Method doesn't allow unregistered callers.",
                );
            }
            Some(key) if key.contains("invalid") => {
                return error(
                    400,
                    "INVALID_ARGUMENT",
                    "API key not valid. Please pass a valid API key.",
                );
            }
            Some(_) => {}
        }
        let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
            return error(400, "INVALID_ARGUMENT", "Invalid JSON payload received.");
        };
        let text = texts(&body["contents"]);
        if text.is_empty() {
            return error(
                400,
                "INVALID_ARGUMENT",
                "* GenerateContentRequest.contents: contents is not specified",
            );
        }
        let script = directive(&text);
        if let Some(status) =
            script.number("status").filter(|_| self.still(&script, &unmarked(&text)))
        {
            return failure(status, &script);
        }
        let model = model.rsplit('/').next().unwrap_or_default();
        let mut answer = Answer::json(200, &generated(model, &text, &script));
        answer.delay = Duration::from_millis(script.number("wait").unwrap_or(0));
        answer
    }
}

/// The last `[[gemini …]]` of the text.
fn directive(text: &str) -> Directive {
    let found = parse(text).into_iter().flat_map(|turn| turn.modifiers);
    found.rev().find(|directive| directive.name == "gemini").unwrap_or_default()
}

/// The text without the mark of its frame, which is another one in each attempt.
fn unmarked(text: &str) -> String {
    let mark = text.split_once("--- ").and_then(|(_, rest)| rest.split_once(" BEGIN TRANSCRIPT"));
    mark.map_or_else(|| text.to_owned(), |(mark, _)| text.replace(mark, ""))
}

fn failure(status: u64, script: &Directive) -> Answer {
    let status = u16::try_from(status).unwrap_or(500);
    let (kind, message) = match status {
        429 => ("RESOURCE_EXHAUSTED", "You exceeded your current quota."),
        503 => ("UNAVAILABLE", "The model is overloaded. Please try again later."),
        _ => ("INTERNAL", "An internal error has occurred."),
    };
    let answer = error(status, kind, message);
    match script.arg("retry_after") {
        Some(seconds) => answer.header("retry-after", seconds),
        None => answer,
    }
}

fn error(status: u16, kind: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": status, "message": message, "status": kind}}))
}

fn texts(contents: &Value) -> String {
    let contents = contents.as_array().map_or(&[][..], Vec::as_slice);
    let parts = contents.iter().flat_map(|c| c["parts"].as_array().into_iter().flatten());
    parts.filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
}

fn generated(model: &str, prompt: &str, script: &Directive) -> Value {
    let has = |word: &str| script.args.iter().any(|(key, _)| key == word);
    let usage = |output: usize| {
        let input = prompt.len() / BYTES_PER_TOKEN;
        json!({"promptTokenCount": input, "candidatesTokenCount": output, "totalTokenCount": input + output})
    };
    if has("blocked") {
        let feedback = json!({"blockReason": "PROHIBITED_CONTENT"});
        return json!({"promptFeedback": feedback, "usageMetadata": usage(0), "modelVersion": model});
    }
    let text = if has("malformed") {
        "# Analysis\n\nThe session went **well**; see https://example.com for 3 reasons.".to_owned()
    } else {
        analysis().to_string()
    };
    let half = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    let parts = match () {
        () if has("empty") => json!([]),
        () if has("truncated") => json!([{"text": text[..half]}]),
        () if has("parts") => {
            json!([{"text": "Let me think.", "thought": true}, {"text": text[..half]}, {"text": text[half..]}])
        }
        () => json!([{"text": text}]),
    };
    let finish = script.arg("finish").unwrap_or("STOP");
    let content = json!({"role": "model", "parts": parts});
    json!({
        "candidates": [{"content": content, "finishReason": finish, "index": 0}],
        "usageMetadata": usage(text.len() / BYTES_PER_TOKEN), "modelVersion": model, "responseId": "scripted",
    })
}

/// An analysis that fits the schema.
fn analysis() -> Value {
    json!({"analysis": {
        "summary": "The user asked for a look at the project's notes and for a small change. The assistant read the files, made the change and reported what it did.",
        "keyTopics": ["notes", "file editing", "verification"],
        "sentiment": "positive",
        "userIntent": "Understand the notes and bring them up to date.",
        "outcomes": ["The notes were read and summarised.", "One line was added."],
        "actionItems": [
            {"type": "task", "description": "Review the added line.", "priority": "medium"},
            {"type": "prompt_improvement", "description": "Name the file and the expected line count.", "priority": "high"},
            {"type": "prompt_improvement", "description": "Say how the result should be checked.", "priority": "low"},
        ],
        "promptingTips": [
            {"category": "specificity", "issue": "The prompt said “the notes” without a path.", "suggestion": "Give the path.", "example": "Summarise docs/notes.txt in three lines."},
            {"category": "context", "issue": "The purpose was not given.", "suggestion": "Say what the summary is for."},
            {"category": "efficiency", "issue": "Two prompts asked for one thing.", "suggestion": "Ask for reading and counting at once."},
        ],
        "interactionPatterns": {
            "promptClarity": 7, "contextCompleteness": 6, "followUpEffectiveness": "good",
            "commonIssues": ["Missing paths"], "strengths": ["Short, polite prompts"],
        },
        "technicalDetails": {
            "frameworks": [], "issues": [], "solutions": ["Read before editing"],
            "toolUsageEfficiency": "good", "contextWindowManagement": "efficient",
        },
        "conversationQuality": {
            "clarity": "high", "completeness": "partial", "completenessImprovement": "State when the task is done.",
            "effectiveness": "effective",
        },
    }})
}
