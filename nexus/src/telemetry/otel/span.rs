//! An exchange as a span, by OpenTelemetry's semantic conventions for generative AI. A conversation
//! is a trace; a sub-agent's exchanges hang below the one whose tool call started it.

use std::time::{Duration, SystemTime};

use nexus_contract::{ExchangeId, TerminalState};
use nexus_store::queries::RequestSummary;
use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

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
        number("gen_ai.usage.input_tokens", row.input_tokens),
        number("gen_ai.usage.output_tokens", row.output_tokens),
        number("gen_ai.usage.cache_read.input_tokens", row.cache_read_tokens),
        number("gen_ai.usage.cache_creation.input_tokens", row.cache_creation_tokens),
        number("http.response.status_code", row.response_status.map(u64::from)),
        text("nexus.branch", &row.branch_id),
        row.cost_usd.map(|cost| KeyValue::new("nexus.cost_usd", cost)),
        row.stop_reason
            .as_ref()
            .map(|reason| KeyValue::new("gen_ai.response.finish_reasons", reason.clone())),
        row.state
            .filter(|state| *state != TerminalState::Completed)
            .map(|state| KeyValue::new("error.type", state.as_str())),
    ];
    let said =
        [text("gen_ai.input.messages", &row.prompt), text("gen_ai.output.messages", &row.preview)];
    let said = said.into_iter().flatten().filter(|_| bodies);
    fixed.into_iter().chain(known.into_iter().flatten()).chain(said).collect()
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
