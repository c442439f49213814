//! One generated exchange, and the events that a gateway would have published of it.

use jiff::Timestamp;
use nexus_contract::{
    Body, BodyError, Envelope, Event, ExchangeId, Headers, Payload, RequestReceived,
    ResponseFinished, TerminalState,
};
use serde_json::value::RawValue;

const GATEWAY: &str = "generated";

/// One exchange as it went over the wire.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub id: ExchangeId,
    pub at: Timestamp,
    pub domain: String,
    pub account_id: String,
    pub request_headers: Vec<(String, String)>,
    pub request: Vec<u8>,
    pub status: Option<u16>,
    pub response_headers: Vec<(String, String)>,
    pub response: Vec<u8>,
    pub state: TerminalState,
    pub first_byte_ms: Option<u64>,
    pub duration_ms: u64,
    /// The usage object, JSON.
    pub usage: Option<String>,
}

impl Exchange {
    /// When its last byte came, in milliseconds since 1970.
    pub fn end_ms(&self) -> i64 {
        self.at.as_millisecond() + self.duration_ms.cast_signed()
    }

    /// `request.received` and `response.finished`.
    pub fn events(&self) -> Result<[Event; 2], BodyError> {
        let received = RequestReceived {
            method: "POST".to_owned(),
            path: "/v1/messages?beta=true".to_owned(),
            headers: self.request_headers.iter().cloned().collect(),
            client_fingerprint: None,
            external_id: None,
            complete: true,
        };
        Ok([
            self.event(Payload::RequestReceived(received), &self.request)?,
            self.event(Payload::ResponseFinished(self.finished()), &self.response)?,
        ])
    }

    fn finished(&self) -> ResponseFinished {
        let headers: Headers = self.response_headers.iter().cloned().collect();
        ResponseFinished {
            state: self.state,
            status: self.status,
            headers,
            started_at: self.at,
            first_byte_ms: self.first_byte_ms,
            duration_ms: self.duration_ms,
            upstream_ms: Some(self.duration_ms),
            upstream_calls: 1,
            usage: self.usage.clone().and_then(|usage| RawValue::from_string(usage).ok()),
            error: None,
        }
    }

    fn event(&self, payload: Payload, body: &[u8]) -> Result<Event, BodyError> {
        let envelope = Envelope {
            id: self.id,
            at: self.at,
            gateway: GATEWAY.to_owned(),
            domain: self.domain.clone(),
            account_id: Some(self.account_id.clone()),
            payload,
        };
        Ok(Event { envelope, body: Some(Body::new(body)?) })
    }
}
