//! What the API refuses, in its words.

use serde_json::Value;

use super::error::ApiError;
use crate::http::Request;

const ROLES: [&str; 3] = ["user", "assistant", "system"];
const MAX_MARKS: usize = 4;

/// Checks the credentials' form and the version header.
pub fn access(request: &Request) -> Result<(), ApiError> {
    let refuse = |message: &str| Err(ApiError::new(401, "authentication_error", message));
    let key = request.header("x-api-key");
    let bearer = request.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
    match (key, bearer) {
        (None, None) => return refuse("x-api-key header is required"),
        (Some(key), _) if key.contains("invalid") => return refuse("invalid x-api-key"),
        (_, Some(token)) if token.contains("invalid") => return refuse("Invalid bearer token"),
        (None, Some(token)) if token.starts_with("sk-ant-oat") && !oauth_beta(request) => {
            return refuse("OAuth authentication is currently not supported.");
        }
        _ => {}
    }
    if request.header("anthropic-version").is_none() {
        return Err(ApiError::invalid("anthropic-version: header is required"));
    }
    Ok(())
}

fn oauth_beta(request: &Request) -> bool {
    let betas = request.headers.iter().filter(|(k, _)| k.eq_ignore_ascii_case("anthropic-beta"));
    betas.into_iter().any(|(_, value)| String::from_utf8_lossy(value).contains("oauth-2025-04-20"))
}

/// The body as JSON.
pub fn json(request: &Request) -> Result<Value, ApiError> {
    serde_json::from_slice(&request.body)
        .map_err(|error| ApiError::invalid(format!("The request body is not valid JSON: {error}")))
}

/// Checks the parameters of a message; `counting` needs no `max_tokens`.
pub fn message(body: &Value, counting: bool) -> Result<(), ApiError> {
    let required = |name: &str| Err(ApiError::invalid(format!("{name}: Field required")));
    if !body.is_object() {
        return Err(ApiError::invalid("Input should be a valid dictionary"));
    }
    let Some(model) = body["model"].as_str() else { return required("model") };
    let Some(messages) = body["messages"].as_array() else { return required("messages") };
    if !counting {
        match body["max_tokens"].as_i64() {
            None => return required("max_tokens"),
            Some(tokens) if tokens < 1 => {
                return Err(ApiError::invalid(
                    "max_tokens: Input should be greater than or equal to 1",
                ));
            }
            Some(_) => {}
        }
    }
    if !model.starts_with("claude-") {
        return Err(ApiError::not_found(format!("model: {model}")));
    }
    if messages.is_empty() {
        return Err(ApiError::invalid("messages: at least one message is required"));
    }
    for (index, entry) in messages.iter().enumerate() {
        one(index, entry)?;
    }
    marks(body)
}

fn one(index: usize, message: &Value) -> Result<(), ApiError> {
    let role = message["role"].as_str().unwrap_or_default();
    if !ROLES.contains(&role) {
        return Err(ApiError::invalid(format!(
            "messages.{index}.role: Input should be 'user' or 'assistant'"
        )));
    }
    match &message["content"] {
        Value::Null => Err(ApiError::invalid(format!("messages.{index}.content: Field required"))),
        Value::String(text) if text.is_empty() && role == "user" => Err(ApiError::invalid(
            format!("messages.{index}: user messages must have non-empty content"),
        )),
        Value::Array(blocks) if blocks.iter().any(empty_text) => {
            Err(ApiError::invalid("messages: text content blocks must be non-empty"))
        }
        _ => Ok(()),
    }
}

fn empty_text(block: &Value) -> bool {
    block["type"] == "text" && block["text"] == ""
}

fn marks(body: &Value) -> Result<(), ApiError> {
    let found =
        count_marks(&body["system"]) + count_marks(&body["tools"]) + count_marks(&body["messages"]);
    if found > MAX_MARKS {
        return Err(ApiError::invalid(format!(
            "A maximum of {MAX_MARKS} blocks with cache_control may be provided. Found {found}."
        )));
    }
    Ok(())
}

fn count_marks(value: &Value) -> usize {
    let Some(blocks) = value.as_array() else { return 0 };
    let own = |block: &Value| usize::from(block["cache_control"].is_object());
    blocks.iter().map(|block| own(block) + count_marks(&block["content"])).sum()
}

/// Every tool call of the history has its result in the message that follows, and no result is
/// without its call.
pub fn tools(messages: &[Value]) -> Result<(), ApiError> {
    let talk: Vec<&Value> = messages.iter().filter(|message| message["role"] != "system").collect();
    for (index, pair) in talk.windows(2).enumerate() {
        let results = ids(pair[1], "tool_result", "tool_use_id");
        let calls = if pair[0]["role"] == "assistant" {
            ids(pair[0], "tool_use", "id")
        } else {
            Vec::new()
        };
        let open: Vec<&str> = calls.iter().copied().filter(|id| !results.contains(id)).collect();
        if !open.is_empty() {
            return Err(ApiError::invalid(format!(
                "messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
                open.join(", ")
            )));
        }
        if let Some(stray) =
            results.iter().find(|id| !calls.contains(id) && pair[0]["role"] == "assistant")
        {
            return Err(ApiError::invalid(format!(
                "messages.{}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {stray}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.",
                index + 1
            )));
        }
    }
    Ok(())
}

fn ids<'a>(message: &'a Value, kind: &str, key: &str) -> Vec<&'a str> {
    let blocks = message["content"].as_array().map_or(&[][..], Vec::as_slice);
    blocks
        .iter()
        .filter(|block| block["type"] == kind)
        .filter_map(|block| block[key].as_str())
        .collect()
}
