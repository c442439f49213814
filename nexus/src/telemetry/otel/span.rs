//! An exchange as a span, by OpenTelemetry's semantic conventions for generative AI
//! (<https://opentelemetry.io/docs/specs/semconv/gen-ai/anthropic/>). A conversation is a trace; a sub-agent's exchanges hang below the one whose tool call started it.

use std::time::{Duration, SystemTime};

use nexus_contract::{ExchangeId, TerminalState};
use nexus_store::queries::RequestSummary;
use opentelemetry::{
    Array, InstrumentationScope, KeyValue, SpanId, StringValue, TraceFlags, TraceId, Value,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use serde_json::json;

/// The span of an exchange that has ended and is linked; `None` for any other.
pub fn span(row: &RequestSummary, bodies: bool) -> Option<SpanData> {
    let (conversation, duration) = (row.conversation_id?, row.duration_ms?);
    row.state?;
    let start = SystemTime::from(row.timestamp);
    Some(SpanData {
        span_context: SpanContext::new(
            trace_id(conversation),
            span_id(row.request_id),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: parent(row, conversation),
        parent_span_is_remote: false,
        span_kind: SpanKind::Client,
        name: format!("chat {}", row.model.as_deref().unwrap_or("unknown")).into(),
        start_time: start,
        end_time: start + Duration::from_millis(duration),
        attributes: attributes(row, conversation, bodies),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: status(row),
        instrumentation_scope: InstrumentationScope::builder("nexus")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build(),
    })
}

/// A sub-agent's first exchange hangs below its caller, its further ones below the first one of
/// their chain, everything else below the conversation's first exchange.
fn parent(row: &RequestSummary, conversation: ExchangeId) -> SpanId {
    let above = match (row.parent_task_request_id, row.is_subtask) {
        (Some(caller), _) => caller,
        (None, true) => row.parent_request_id.unwrap_or(conversation),
        (None, false) if row.request_id == conversation => return SpanId::INVALID,
        (None, false) => conversation,
    };
    span_id(above)
}

fn attributes(row: &RequestSummary, conversation: ExchangeId, bodies: bool) -> Vec<KeyValue> {
    let text = |key: &'static str, value: &Option<String>| {
        value.as_ref().map(|value| KeyValue::new(key, value.clone()))
    };
    let number = |key: &'static str, value: Option<u64>| {
        value.map(|value| KeyValue::new(key, i64::try_from(value).unwrap_or(i64::MAX)))
    };
    let fixed = [
        KeyValue::new("gen_ai.operation.name", "chat"),
        KeyValue::new("gen_ai.provider.name", "anthropic"),
        KeyValue::new("gen_ai.conversation.id", conversation.to_string()),
        KeyValue::new("nexus.exchange.id", row.request_id.to_string()),
        KeyValue::new("nexus.domain", row.domain.clone()),
    ];
    let known = [
        text("gen_ai.request.model", &row.model),
        text("gen_ai.agent.id", &row.agent_id),
        number("gen_ai.usage.input_tokens", all_input(row)),
        number("gen_ai.usage.output_tokens", row.output_tokens),
        number("gen_ai.usage.cache_read.input_tokens", row.cache_read_tokens),
        number("gen_ai.usage.cache_creation.input_tokens", row.cache_creation_tokens),
        number("http.response.status_code", row.response_status.map(u64::from)),
        text("nexus.branch", &row.branch_id),
        row.cost_usd.map(|cost| KeyValue::new("nexus.cost_usd", cost)),
        row.stop_reason.as_ref().map(|reason| {
            let reasons = vec![StringValue::from(reason.clone())];
            KeyValue::new("gen_ai.response.finish_reasons", Value::Array(Array::String(reasons)))
        }),
        row.state
            .filter(|state| *state != TerminalState::Completed)
            .map(|state| KeyValue::new("error.type", state.as_str())),
    ];
    let said = [
        message("gen_ai.input.messages", "user", row.prompt.as_deref(), None),
        message(
            "gen_ai.output.messages",
            "assistant",
            row.preview.as_deref(),
            row.stop_reason.as_deref(),
        ),
    ];
    let said = said.into_iter().flatten().filter(|_| bodies);
    fixed.into_iter().chain(known.into_iter().flatten()).chain(said).collect()
}

/// The conventions count cached tokens as input; the API counts them apart.
fn all_input(row: &RequestSummary) -> Option<u64> {
    let cached = row.cache_read_tokens.unwrap_or(0) + row.cache_creation_tokens.unwrap_or(0);
    row.input_tokens.map(|fresh| fresh + cached)
}

/// One message in the conventions' JSON, which attributes hold as text.
fn message(
    key: &'static str,
    role: &str,
    said: Option<&str>,
    finish: Option<&str>,
) -> Option<KeyValue> {
    let mut message = json!({"role": role, "parts": [{"type": "text", "content": said?}]});
    if let Some(finish) = finish {
        message["finish_reason"] = json!(finish);
    }
    Some(KeyValue::new(key, json!([message]).to_string()))
}

fn status(row: &RequestSummary) -> Status {
    match row.state {
        Some(TerminalState::Completed) | None => Status::Unset,
        Some(state) => Status::error(row.error.clone().unwrap_or_else(|| state.as_str().into())),
    }
}

fn trace_id(conversation: ExchangeId) -> TraceId {
    TraceId::from_bytes(conversation.0.into_bytes())
}

/// The random half of the id.
fn span_id(exchange: ExchangeId) -> SpanId {
    SpanId::from_bytes(exchange.0.as_u64_pair().1.to_be_bytes())
}
