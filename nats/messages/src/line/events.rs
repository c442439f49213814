//! From a line to the events that the gateway would have published.

use nexus_contract::{
    Body, Envelope, Event, ExchangeId, Payload, RequestReceived, ResponseFinished, TerminalState,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{ExchangeLine, LineError, ResponseLine};

/// Stands as the gateway's name in imported exchanges.
const GATEWAY: &str = "import";

impl ExchangeLine {
    /// Request and answer. `line` is what this was read from.
    pub(super) fn into_events(self, line: &str) -> Result<(Event, Event), LineError> {
        let id = self.exchange_id(line);
        let request = Event {
            body: Some(Body::new(&self.request.bytes()?)?),
            envelope: self.envelope(id, Payload::RequestReceived(self.received())),
        };
        let answer = self.response.as_ref().map_or(Ok(Vec::new()), ResponseLine::bytes)?;
        let response = Event {
            body: Some(Body::new(&answer)?),
            envelope: self.envelope(id, Payload::ResponseFinished(self.finished())),
        };
        Ok((request, response))
    }

    fn exchange_id(&self, line: &str) -> ExchangeId {
        match &self.id {
            Some(id) => ExchangeId::from_external(id),
            None => ExchangeId::from_external(&hex::encode(Sha256::digest(line.trim()))),
        }
    }

    fn envelope(&self, id: ExchangeId, payload: Payload) -> Envelope {
        Envelope {
            id,
            at: self.at,
            gateway: GATEWAY.to_owned(),
            domain: self.domain.clone(),
            account_id: self.account_id.clone(),
            payload,
        }
    }

    fn received(&self) -> RequestReceived {
        RequestReceived {
            method: self.request.method.clone(),
            path: self.request.path.clone(),
            headers: self.request.headers.to_headers(),
            client_fingerprint: None,
            external_id: self.id.clone().filter(|id| Uuid::parse_str(id).is_err()),
            complete: true,
        }
    }

    fn finished(&self) -> ResponseFinished {
        let headers = self.response.as_ref().map(|response| response.headers.to_headers());
        ResponseFinished {
            state: self.state.unwrap_or_else(|| self.state_by_status()),
            status: self.status(),
            headers: headers.unwrap_or_default(),
            started_at: self.at,
            first_byte_ms: self.first_token_ms,
            duration_ms: self.duration_ms.unwrap_or(0),
            upstream_ms: None,
            upstream_calls: 1,
            usage: None,
            error: self.error.clone(),
        }
    }

    fn status(&self) -> Option<u16> {
        self.response.as_ref().and_then(|response| response.status)
    }

    fn state_by_status(&self) -> TerminalState {
        match self.status() {
            Some(200..=299) => TerminalState::Completed,
            Some(_) => TerminalState::UpstreamError,
            None => TerminalState::Aborted,
        }
    }
}
