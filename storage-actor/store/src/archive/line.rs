//! The line of an exchange.

use nexus_contract::TerminalState;
use nexus_messages::line::{ExchangeLine, HeaderFields, LineError, RequestLine, ResponseLine};

use super::events::at;
use crate::{
    error::{Result, StoreError},
    exchanges::{ExchangeRow, Payload},
};

pub(super) fn line(row: &ExchangeRow, payload: &Payload) -> Result<ExchangeLine> {
    Ok(ExchangeLine {
        id: Some(row.external_id.clone().unwrap_or_else(|| row.id().to_string())),
        at: at(row)?,
        domain: row.domain.clone(),
        account_id: row.account_id.clone(),
        request: request(row, payload).map_err(unwritable)?,
        response: row
            .state
            .as_ref()
            .map(|_| response(row, payload))
            .transpose()
            .map_err(unwritable)?,
        duration_ms: row.duration_ms.map(i64::unsigned_abs),
        first_token_ms: row.first_byte_ms.map(i64::unsigned_abs),
        state: row.state.as_deref().and_then(TerminalState::parse),
        error: row.error.clone(),
    })
}

fn request(row: &ExchangeRow, payload: &Payload) -> Result<RequestLine, LineError> {
    let headers = payload.request_headers.as_ref().map(HeaderFields::from);
    let mut line = RequestLine {
        method: row.method.clone().unwrap_or_default(),
        path: row.path.clone().unwrap_or_default(),
        headers: headers.unwrap_or_default(),
        body: None,
        body_base64: None,
    };
    line.set_body(payload.request_body.as_deref().unwrap_or_default())?;
    Ok(line)
}

fn response(row: &ExchangeRow, payload: &Payload) -> Result<ResponseLine, LineError> {
    let headers = payload.response_headers.as_ref().map(HeaderFields::from);
    let mut line = ResponseLine {
        status: row.status.and_then(|status| u16::try_from(status).ok()),
        headers: headers.unwrap_or_default(),
        body: None,
        sse: None,
        body_base64: None,
    };
    line.set_body(payload.response_body.as_deref().unwrap_or_default())?;
    Ok(line)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unwritable(error: LineError) -> StoreError {
    StoreError::Rejected(error.to_string())
}
