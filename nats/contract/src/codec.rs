//! The bytes of an event, in every transport:
//!
//! ```text
//! u32 LE   length of the head
//! head     JSON: {"id","at","gateway","domain","account_id","kind","version","fields","body"?}
//! rest     the body, zstd, when the head has "body": {"len","sha256"}
//! ```
//!
//! `version` counts per kind and grows when a reader of the version before could not make sense of
//! the fields. A field that is merely added has a default and keeps the version.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::{
    body::Body,
    event::{
        AnalysisFinished, AnalysisRequested, Envelope, Event, Kind, Linked, Payload,
        RequestReceived, ResponseFinished,
    },
    id::ExchangeId,
};

/// Bytes of the head's length.
const LENGTH: usize = 4;

/// Why bytes are not an event that this build can read. Such an event is parked, never dropped.
#[derive(Debug, Error)]
pub enum DecodeError {
    #[error("the event is shorter than its head says")]
    Truncated,
    #[error("the event's head is not valid: {0}")]
    Head(#[from] serde_json::Error),
    #[error("kind {0:?} is not known to this version of Nexus")]
    UnknownKind(String),
    #[error("{kind} has version {version}; this version of Nexus reads up to {known}")]
    UnknownVersion { kind: &'static str, version: u16, known: u16 },
    #[error("the body's SHA-256 is not 64 hexadecimal digits")]
    Checksum,
    #[error("a part of the event's body is missing: chunk {0}")]
    MissingChunk(String),
}

/// The newest version of each kind.
pub const fn version_of(kind: Kind) -> u16 {
    match kind {
        Kind::RequestReceived
        | Kind::ResponseFinished
        | Kind::Linked
        | Kind::AnalysisRequested
        | Kind::AnalysisFinished => 1,
    }
}

/// A head that is read: its fields' version is looked at before they are.
#[derive(Deserialize)]
struct Head {
    id: ExchangeId,
    kind: String,
    version: u16,
    at: Timestamp,
    gateway: String,
    domain: String,
    account_id: Option<String>,
    fields: Box<RawValue>,
    #[serde(default)]
    body: Option<BodyHead>,
}

/// A head that is written, in one go.
#[derive(Serialize)]
struct HeadOf<'a> {
    id: ExchangeId,
    kind: &'static str,
    version: u16,
    at: Timestamp,
    gateway: &'a str,
    domain: &'a str,
    account_id: Option<&'a str>,
    fields: FieldsOf<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<BodyHead>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum FieldsOf<'a> {
    RequestReceived(&'a RequestReceived),
    ResponseFinished(&'a ResponseFinished),
    Linked(&'a Linked),
    AnalysisRequested(&'a AnalysisRequested),
    AnalysisFinished(&'a AnalysisFinished),
}

#[derive(Serialize, Deserialize)]
struct BodyHead {
    len: u64,
    sha256: String,
}

/// Bytes that most heads have room in.
const HEAD_ROOM: usize = 1_536;

/// The wire form of `event`.
pub fn encode(event: &Event) -> Result<Bytes, serde_json::Error> {
    let envelope = &event.envelope;
    let kind = envelope.payload.kind();
    let head = HeadOf {
        id: envelope.id,
        kind: kind.as_str(),
        version: version_of(kind),
        at: envelope.at,
        gateway: &envelope.gateway,
        domain: &envelope.domain,
        account_id: envelope.account_id.as_deref(),
        fields: fields_of(&envelope.payload),
        body: event
            .body
            .as_ref()
            .map(|body| BodyHead { len: body.len(), sha256: hex::encode(body.sha256()) }),
    };
    let rest = event.body.as_ref().map_or(&[][..], |body| body.compressed());
    let mut wire: Vec<u8> = Vec::with_capacity(LENGTH + HEAD_ROOM + rest.len());
    wire.resize(LENGTH, 0);
    serde_json::to_writer(&mut wire, &head)?;
    let length = u32::try_from(wire.len() - LENGTH).unwrap_or(u32::MAX);
    wire[..LENGTH].copy_from_slice(&length.to_le_bytes());
    wire.extend_from_slice(rest);
    Ok(wire.into())
}

/// Reads what [`encode`] wrote, in this version or an earlier one.
pub fn decode(wire: &Bytes) -> Result<Event, DecodeError> {
    let (length, rest) = wire.split_first_chunk::<LENGTH>().ok_or(DecodeError::Truncated)?;
    let length = u32::from_le_bytes(*length) as usize;
    let head: Head = serde_json::from_slice(rest.get(..length).ok_or(DecodeError::Truncated)?)?;
    let body = match &head.body {
        None => None,
        Some(body) => Some(Body::from_parts(
            wire.slice(LENGTH + length..),
            body.len,
            digest(&body.sha256).ok_or(DecodeError::Checksum)?,
        )),
    };
    let payload = payload_of(&head)?;
    Ok(Event {
        envelope: Envelope {
            id: head.id,
            at: head.at,
            gateway: head.gateway,
            domain: head.domain,
            account_id: head.account_id,
            payload,
        },
        body,
    })
}

fn fields_of(payload: &Payload) -> FieldsOf<'_> {
    match payload {
        Payload::RequestReceived(fields) => FieldsOf::RequestReceived(fields),
        Payload::ResponseFinished(fields) => FieldsOf::ResponseFinished(fields),
        Payload::Linked(fields) => FieldsOf::Linked(fields),
        Payload::AnalysisRequested(fields) => FieldsOf::AnalysisRequested(fields),
        Payload::AnalysisFinished(fields) => FieldsOf::AnalysisFinished(fields),
    }
}

fn payload_of(head: &Head) -> Result<Payload, DecodeError> {
    let kind =
        Kind::parse(&head.kind).ok_or_else(|| DecodeError::UnknownKind(head.kind.clone()))?;
    let known = version_of(kind);
    if head.version > known {
        let kind = kind.as_str();
        return Err(DecodeError::UnknownVersion { kind, version: head.version, known });
    }
    Ok(match kind {
        Kind::RequestReceived => Payload::RequestReceived(parse(&head.fields)?),
        Kind::ResponseFinished => Payload::ResponseFinished(parse(&head.fields)?),
        Kind::Linked => Payload::Linked(parse(&head.fields)?),
        Kind::AnalysisRequested => Payload::AnalysisRequested(parse(&head.fields)?),
        Kind::AnalysisFinished => Payload::AnalysisFinished(parse(&head.fields)?),
    })
}

fn parse<T: DeserializeOwned>(fields: &RawValue) -> Result<T, serde_json::Error> {
    serde_json::from_str(fields.get())
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).ok()?;
    Some(digest)
}
