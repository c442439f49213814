//! `POST /v1/messages` and `/v1/messages/count_tokens`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cache::{Input, tokens};
use super::error::ApiError;
use super::fault;
use super::sse::{self, Wire};
use super::state::State;
use super::{auto, content, validate};
use crate::http::{Answer, Request};
use crate::script::{Directive, Turn, parse, select};

/// Answers a message, with all faults that its script asks for.
pub fn answer(
    request: &Request,
    state: &mut State,
    now: Timestamp,
) -> (Result<Answer, ApiError>, Turn) {
    // A header holds no line break, so `\n` stands for one.
    let script = request.header("x-script").map(|script| script.replace("\\n", "\n"));
    let step = request.header("x-script-step").and_then(|step| step.parse().ok()).unwrap_or(0);
    let forced = script.as_deref().map(parse).unwrap_or_default().into_iter().nth(step);
    // A script in the header works on bodies that are no JSON at all.
    if let Some(turn) = &forced
        && let Err(error) = refusal(request, turn, state, 0)
    {
        return (Err(error), turn.clone());
    }
    let (body, history) = match checked(request, state) {
        Ok(checked) => checked,
        Err(error) => return (Err(error), forced.unwrap_or_default()),
    };
    let answered = history.len();
    let by_header = forced.is_some();
    let turn = forced.or_else(|| due(&body, &history)).unwrap_or_default();
    if !by_header && let Err(error) = refusal(request, &turn, state, answered) {
        return (Err(error), turn);
    }
    (Ok(reply(&body, history, &active(&turn, request, state, answered), state, now)), turn)
}

/// `count_tokens`.
pub fn count(request: &Request) -> Result<Value, ApiError> {
    let body = validate::json(request)?;
    validate::message(&body, true)?;
    let bytes =
        [&body["system"], &body["tools"], &body["messages"]].map(|part| part.to_string().len());
    Ok(json!({"input_tokens": tokens(bytes.iter().sum())}))
}

/// The body and the whole history, if the API would take them.
fn checked(request: &Request, state: &State) -> Result<(Value, Vec<Value>), ApiError> {
    let body = validate::json(request)?;
    validate::message(&body, false)?;
    let history = history(&body, state)?;
    validate::tools(&history)?;
    Ok((body, history))
}

/// The script's answer, unless the request is one that a client sends on its own account.
fn due(body: &Value, history: &[Value]) -> Option<Turn> {
    let own = auto::asks_summary(history) || auto::schema(body).is_some();
    if own { None } else { select(history) }
}

/// The whole history: in a thread, what was said before and the new messages.
fn history(body: &Value, state: &State) -> Result<Vec<Value>, ApiError> {
    let new = body["messages"].as_array().cloned().unwrap_or_default();
    if body["thread"]["type"] != "continue" {
        return Ok(new);
    }
    let previous = body["thread"]["previous_message_id"].as_str().unwrap_or_default();
    let before = state.thread(previous);
    let before =
        before.ok_or_else(|| ApiError::not_found(format!("thread: no message {previous}")))?;
    Ok(Arc::unwrap_or_clone(before).into_iter().chain(new).collect())
}

/// The status that a `fail` modifier asks for, as often as it asks.
fn refusal(request: &Request, turn: &Turn, state: &mut State, step: usize) -> Result<(), ApiError> {
    let Some(fail) = turn.modifier("fail").filter(|fail| still(fail, request, state, step)) else {
        return Ok(());
    };
    let status = fail.number("status").and_then(|status| u16::try_from(status).ok()).unwrap_or(500);
    let mut error = ApiError::of_status(status);
    if let Some(kind) = fail.arg("type") {
        kind.clone_into(&mut error.kind);
    }
    if let Some(message) = fail.arg("message") {
        message.clone_into(&mut error.message);
    }
    Err(error)
}

/// Leaves out the faults that have happened often enough.
fn active(turn: &Turn, request: &Request, state: &mut State, step: usize) -> Turn {
    let mut turn = turn.clone();
    turn.modifiers
        .retain(|m| m.arg("times").is_none() || m.name == "fail" || still(m, request, state, step));
    turn
}

/// Whether a modifier with `times=` is still due for this step of this session.
fn still(modifier: &Directive, request: &Request, state: &mut State, step: usize) -> bool {
    let Some(times) = modifier.number("times") else { return true };
    let session = request.header("x-claude-code-session-id").unwrap_or_default();
    state.tried(format!("{session} {step} {modifier:?}")) < times
}

fn reply(
    body: &Value,
    mut history: Vec<Value>,
    turn: &Turn,
    state: &mut State,
    now: Timestamp,
) -> Answer {
    let input = state.cache.charge(body, &history, now);
    let content = match turn.blocks.as_slice() {
        [] => auto::content(body, &history),
        blocks => content::content(blocks, &body["tools"], state),
    };
    let message = message(body, &content, turn, input, state);
    if body["thread"].is_object() {
        history.push(json!({"role": "assistant", "content": message["content"]}));
        state.keep_thread(message["id"].as_str().unwrap_or_default(), history);
    }
    let stream = body["stream"] == true;
    let wire = wire(turn);
    let parts = if stream { sse::events(&message, wire) } else { vec![message.to_string().into()] };
    let kind = if stream { "text/event-stream; charset=utf-8" } else { "application/json" };
    let mut answer =
        Answer::new(200).header("content-type", kind).header("cache-control", "no-cache");
    if let Some(wait) = turn.modifier("wait") {
        answer.delay = Duration::from_millis(wait.number("ms").unwrap_or(100));
    }
    fault::plan(answer, turn, parts, stream, wire)
}

fn wire(turn: &Turn) -> Wire {
    let Some(directive) = turn.modifier("wire") else { return Wire::default() };
    let has = |word: &str| directive.args.iter().any(|(key, _)| key == word);
    let piece = directive.number("piece").and_then(|n| usize::try_from(n).ok());
    Wire { piece: piece.unwrap_or(24), crlf: has("crlf"), comments: has("comments") }
}

fn message(body: &Value, content: &[Value], turn: &Turn, input: Input, state: &mut State) -> Value {
    let calls = content.iter().any(|block| block["type"] == "tool_use");
    let usual = if calls { "tool_use" } else { "end_turn" };
    let stop = turn.modifier("stop").and_then(Directive::word).unwrap_or(usual);
    let output = tokens(content.iter().map(|block| block.to_string().len()).sum());
    let model = turn.modifier("model").and_then(|model| model.arg("name"));
    json!({
        "id": state.id("msg"), "type": "message", "role": "assistant",
        "model": model.map_or_else(|| body["model"].clone(), Value::from),
        "content": content, "stop_reason": stop,
        "stop_sequence": turn.modifier("stop").and_then(|stop| stop.arg("sequence")),
        "usage": usage(turn, input, output),
    })
}

fn usage(turn: &Turn, input: Input, output: u64) -> Value {
    let forced = |key: &str, count: u64| {
        turn.modifier("usage").and_then(|usage| usage.number(key)).unwrap_or(count)
    };
    let (five, hour) = (forced("write", input.written_5m), forced("hour", input.written_1h));
    json!({
        "input_tokens": forced("in", input.uncached), "cache_creation_input_tokens": five + hour,
        "cache_read_input_tokens": forced("read", input.read),
        "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour},
        "output_tokens": forced("out", output), "service_tier": "standard",
    })
}
