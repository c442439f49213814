//! From an event to what the store takes. Pure and costly: bodies are decoded, read, cut and hashed.

use std::borrow::Cow;

use bytes::Bytes;
use nexus_contract::{
    Body, BodyError, Envelope, Event, ExchangeId, Headers, Payload, RequestReceived,
    ResponseFinished,
};
use nexus_messages::{
    Answer, Block, Identity, PriceTable, Request, RequestType, Usage,
    decode::decode,
    searchable,
    text::{human_prompt, preview},
};
use nexus_store::{
    bodies::KeyedBody,
    exchanges::{ExchangePart, Facts, RequestFacts, ResponseFacts, UsageFacts},
    windows::windows,
};
use thiserror::Error;

use crate::account;

/// Decoded bytes that are read of a body; a client's largest request is 32 MiB.
const MAX_DECODED: usize = 64 << 20;
/// Characters of a prompt, and of an answer, in lists; titles are made of prompts.
const MAX_SHOWN: usize = 160;
const MAX_ERROR: usize = 500;

/// What is to be done about an event.
#[derive(Debug)]
pub enum Work {
    Write(Box<ExchangePart>),
    /// Look at the links of these.
    Link(Vec<ExchangeId>),
    /// Nothing that this role stores.
    Nothing,
}

/// Why an event can never be stored.
#[derive(Debug, Error)]
pub enum PrepareError {
    #[error("its body is damaged: {0}")]
    Body(#[from] BodyError),
}

/// A body that was checked.
struct Raw {
    bytes: Bytes,
    sha256: [u8; 32],
}

impl Raw {
    fn of(body: &Body) -> Result<Self, BodyError> {
        Ok(Self { bytes: body.raw()?, sha256: *body.sha256() })
    }
}

/// Reads `event`.
pub fn prepare(event: &Event, prices: &PriceTable) -> Result<Work, PrepareError> {
    let raw = event.body.as_ref().map(Raw::of).transpose()?;
    let envelope = &event.envelope;
    Ok(match &envelope.payload {
        Payload::RequestReceived(fields) => {
            Work::Write(Box::new(request(envelope, fields, raw.as_ref())))
        }
        Payload::ResponseFinished(fields) => {
            Work::Write(Box::new(response(envelope, fields, raw.as_ref(), prices)))
        }
        Payload::Linked(linked) => Work::Link(linked.exchanges.clone()),
        Payload::AnalysisRequested(_) | Payload::AnalysisFinished(_) => Work::Nothing,
    })
}

fn request(envelope: &Envelope, fields: &RequestReceived, raw: Option<&Raw>) -> ExchangePart {
    let decoded = decoded(&fields.headers, raw);
    // Whatever the client sent was forwarded; what can't be read is stored as it is.
    let request = Request::parse(&decoded).ok();
    let identity = request.as_ref().map(|request| Identity::read(&fields.headers, request));
    let fingerprint = fields.client_fingerprint.as_deref();
    let facts = RequestFacts {
        external_id: fields.external_id.clone(),
        client_fingerprint: fields.client_fingerprint.clone(),
        method: fields.method.clone(),
        path: fields.path.clone(),
        complete: fields.complete,
        ..request.as_ref().map(|request| read(request, identity.as_ref())).unwrap_or_default()
    };
    ExchangePart {
        id: envelope.id,
        at: envelope.at,
        domain: envelope.domain.clone(),
        gateway: envelope.gateway.clone(),
        account: account::of_request(envelope, identity.as_ref(), fingerprint),
        headers: fields.headers.clone(),
        body: raw.map(|raw| KeyedBody::of_request(&raw.bytes, raw.sha256)),
        search_text: request.as_ref().map(searchable::of_request).unwrap_or_default(),
        facts: Facts::Request(Box::new(facts)),
    }
}

fn read(request: &Request<'_>, identity: Option<&Identity>) -> RequestFacts {
    let class = identity.and_then(|identity| identity.class);
    RequestFacts {
        model: request.model.as_ref().map(|model| preview(model, MAX_SHOWN)),
        request_type: Some(RequestType::of(class, request).as_str().to_owned()),
        streamed: request.stream,
        message_count: i64::try_from(request.messages.len()).ok(),
        tool_count: i64::try_from(request.tools.as_ref().map_or(0, Vec::len)).ok(),
        last_message_kind: last_message_kind(request).map(str::to_owned),
        prompt: human_prompt(request).map(|text| preview(&text, MAX_SHOWN)),
        tool_ms: identity.and_then(|identity| identity.prev_tool_ms).map(whole),
        ..RequestFacts::default()
    }
}

/// What the model is to answer to: a human, the results of its tools, or something else of the
/// client's.
fn last_message_kind(request: &Request<'_>) -> Option<&'static str> {
    let is_result = |block: &Block<'_>| matches!(block, Block::ToolResult { .. });
    let mut blocks =
        searchable::new_messages(request).flat_map(|message| &message.blocks).peekable();
    blocks.peek()?;
    Some(if human_prompt(request).is_some() {
        "human"
    } else if blocks.any(is_result) {
        "tool_result"
    } else {
        "other"
    })
}

fn response(
    envelope: &Envelope,
    fields: &ResponseFinished,
    raw: Option<&Raw>,
    prices: &PriceTable,
) -> ExchangePart {
    let headers = &fields.headers;
    let answer = Answer::read(headers.get("content-type"), &decoded(headers, raw));
    ExchangePart {
        id: envelope.id,
        at: fields.started_at,
        domain: envelope.domain.clone(),
        gateway: envelope.gateway.clone(),
        account: account::of_response(envelope, headers),
        headers: headers.clone(),
        body: raw.map(|raw| KeyedBody::of_response(&raw.bytes, raw.sha256)),
        search_text: searchable::of_answer(&answer),
        facts: Facts::Response(Box::new(facts(fields, &answer, prices))),
    }
}

fn facts(fields: &ResponseFinished, answer: &Answer, prices: &PriceTable) -> ResponseFacts {
    let reported = answer.error.as_ref().map(|error| format!("{}: {}", error.kind, error.message));
    let error = fields.error.clone().or(reported).map(|text| preview(&text, MAX_ERROR));
    ResponseFacts {
        state: fields.state,
        status: fields.status,
        first_byte_ms: fields.first_byte_ms.map(whole),
        duration_ms: whole(fields.duration_ms),
        upstream_ms: fields.upstream_ms.map(whole),
        upstream_calls: i64::from(fields.upstream_calls),
        error,
        stop_reason: answer.stop_reason().map(str::to_owned),
        model: answer.model().map(|model| preview(model, MAX_SHOWN)),
        tool_names: answer.tool_uses().map(|call| preview(call.name, MAX_SHOWN)).collect(),
        preview: Some(preview(&answer.text(), MAX_SHOWN)).filter(|text| !text.is_empty()),
        usage: usage(fields, answer, prices),
        windows: windows(&fields.headers),
    }
}

/// As the answer says; an answer that is gone or unreadable leaves what the gateway saw pass.
fn usage(fields: &ResponseFinished, answer: &Answer, prices: &PriceTable) -> Option<UsageFacts> {
    let passed = || fields.usage.as_ref().map(|raw| Usage::from_json(raw.get()));
    let usage = Some(answer.usage.clone()).filter(|usage| !usage.is_empty()).or_else(passed)?;
    if usage.is_empty() {
        return None;
    }
    let tokens = usage.tokens();
    let cost = answer.model().and_then(|model| prices.cost(model, &usage, fields.started_at));
    Some(UsageFacts {
        input: whole(tokens.input),
        output: whole(tokens.output),
        cache_read: whole(tokens.cache_read),
        cache_creation_5m: whole(tokens.cache_creation_5m),
        cache_creation_1h: whole(tokens.cache_creation_1h),
        cost_nanos: cost.map(|cost| cost.0),
        raw: serde_json::Value::Object(usage.raw().clone()).to_string(),
    })
}

fn decoded<'a>(headers: &Headers, raw: Option<&'a Raw>) -> Cow<'a, [u8]> {
    let bytes = raw.map(|raw| &raw.bytes[..]).unwrap_or_default();
    decode(headers.get("content-encoding"), bytes, MAX_DECODED).bytes
}

fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
