//! The events of an exchange, from its row and its payload.

use jiff::Timestamp;
use nexus_contract::{
    Body, Envelope, Event, Payload as Fields, RequestReceived, ResponseFinished, TerminalState,
};
use serde_json::value::RawValue;

use crate::{
    error::{Result, StoreError},
    exchanges::{AccountSource, ExchangeRow, Payload},
};

/// `None` when the request's half is not stored.
pub(super) fn request(row: &ExchangeRow, payload: &Payload) -> Result<Option<Event>> {
    let (Some(method), Some(path)) = (row.method.clone(), row.path.clone()) else {
        return Ok(None);
    };
    let fields = RequestReceived {
        method,
        path,
        headers: payload.request_headers.clone().unwrap_or_default(),
        client_fingerprint: row.client_fingerprint.clone(),
        external_id: row.external_id.clone(),
        complete: row.request_complete != Some(false),
    };
    event(row, Fields::RequestReceived(fields), payload.request_body.as_deref()).map(Some)
}

/// `None` when the answer's half is not stored.
pub(super) fn response(
    row: &ExchangeRow,
    payload: &Payload,
    usage: Option<&str>,
) -> Result<Option<Event>> {
    let Some(state) = row.state.as_deref().and_then(TerminalState::parse) else { return Ok(None) };
    let fields = ResponseFinished {
        state,
        status: row.status.and_then(|status| u16::try_from(status).ok()),
        headers: payload.response_headers.clone().unwrap_or_default(),
        started_at: at(row)?,
        first_byte_ms: row.first_byte_ms.map(i64::unsigned_abs),
        duration_ms: row.duration_ms.map_or(0, i64::unsigned_abs),
        upstream_ms: row.upstream_ms.map(i64::unsigned_abs),
        upstream_calls: row.upstream_calls.and_then(|calls| u32::try_from(calls).ok()).unwrap_or(0),
        usage: usage.and_then(|raw| RawValue::from_string(raw.to_owned()).ok()),
        error: row.error.clone(),
    };
    event(row, Fields::ResponseFinished(fields), payload.response_body.as_deref()).map(Some)
}

fn event(row: &ExchangeRow, payload: Fields, body: Option<&[u8]>) -> Result<Event> {
    // Other accounts are read off the exchange again.
    let is_credential = row.account_source.as_deref() == Some(AccountSource::Credential.as_str());
    let body = body.map(Body::new).transpose();
    Ok(Event {
        envelope: Envelope {
            id: row.id(),
            at: at(row)?,
            gateway: row.gateway.clone(),
            domain: row.domain.clone(),
            account_id: row.account_id.clone().filter(|_| is_credential),
            payload,
        },
        body: body.map_err(|error| StoreError::Rejected(error.to_string()))?,
    })
}

pub(super) fn at(row: &ExchangeRow) -> Result<Timestamp> {
    Timestamp::from_microsecond(row.at)
        .map_err(|error| StoreError::Corrupt(format!("exchange {}: {error}", row.id())))
}
