//! What is known of one exchange while it runs, and its one terminal state.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::http::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};
use bytes::Bytes;
use jiff::Timestamp;
use nexus_contract::{ExchangeId, Headers, ResponseFinished, TerminalState};
use nexus_journal::{Recording, ResponseHead};
use tokio::time::Instant;

use super::{brake::Brake, fields, upload::Upload};
use crate::{domain::Domain, observe::Observation, state::State};

/// How long the journal's writer may delay a release; a later one is counted as late.
pub const PATIENCE: Duration = Duration::from_millis(5);

/// The books of one exchange. Dropped before [`end`](Self::end), the client left.
pub struct Ledger {
    pub state: Arc<State>,
    pub id: ExchangeId,
    pub domain: Domain,
    pub started: Instant,
    started_at: Timestamp,
    recording: Option<Recording>,
    /// The copy for statistics and notifications; `None` when nobody wants it.
    observation: Option<Box<Observation>>,
    status: Option<u16>,
    headers: Headers,
    first_byte: Option<Duration>,
    upstream_calls: u32,
    /// When the upstream was first called.
    called: Option<Instant>,
    /// Time that the gateway itself held the answer's head back.
    held: Duration,
    /// Before the answer's body.
    brake: Brake,
    /// The request's body: what the observer wants of it, and how long it was held back.
    upload: Upload,
    ended: bool,
}

impl Ledger {
    pub fn new(
        state: Arc<State>,
        id: ExchangeId,
        domain: Domain,
        started_at: Timestamp,
        recording: Option<Recording>,
        observation: Option<Box<Observation>>,
        upload: &Upload,
    ) -> Self {
        Self {
            state,
            id,
            domain,
            started: Instant::now(),
            started_at,
            recording,
            observation,
            status: None,
            headers: Headers::default(),
            first_byte: None,
            upstream_calls: 0,
            called: None,
            held: Duration::ZERO,
            brake: Brake::default(),
            upload: upload.clone(),
            ended: false,
        }
    }

    /// The upstream is called, or called again.
    pub fn calling(&mut self) {
        self.upstream_calls += 1;
        self.called.get_or_insert_with(Instant::now);
    }

    /// The head of the answer that the client gets.
    pub fn answered<'a>(
        &mut self,
        status: StatusCode,
        fields: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>,
    ) {
        self.status = Some(status.as_u16());
        if self.recording.is_none() && self.observation.is_none() {
            // Nobody reads it.
            return;
        }
        self.headers = fields::recorded(fields, self.state.keeps_heads());
        if let Some(recording) = &self.recording {
            recording.response_head(ResponseHead {
                status: status.as_u16(),
                headers: self.headers.clone(),
                first_byte_ms: None,
                upstream_calls: self.upstream_calls,
            });
        }
        if let Some(observation) = &mut self.observation {
            observation.answered(status.as_u16());
        }
    }

    /// Bytes of the answer's body, before they go down.
    pub fn chunk(&mut self, bytes: &Bytes) {
        if self.first_byte.is_none() {
            let first_byte = self.started.elapsed();
            self.first_byte = Some(first_byte);
            if let Some(observation) = &mut self.observation {
                observation.first_byte(&self.state, millis(first_byte));
            }
        }
        if let Some(recording) = &self.recording {
            recording.response_chunk(bytes.clone());
        }
        if let Some(observation) = &mut self.observation {
            observation.chunk(&self.state, self.headers.get("content-encoding"), bytes);
        }
    }

    /// Ready when more of the answer may be read, with whether it had to wait.
    pub fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.brake.poll(self.recording.as_ref(), cx)
    }

    /// Resolves when everything recorded so far is written, or patience is over. `None` when
    /// there is nothing to wait for.
    pub fn written(&self) -> Option<impl Future<Output = ()> + use<>> {
        let recording = self.recording.clone()?;
        Some(async move {
            // A late one is counted by the journal.
            let _in_time = recording.written_within(PATIENCE).await;
        })
    }

    pub fn held(&mut self, by: Duration) {
        self.held += by;
    }

    /// The terminal state. Only the first one counts.
    pub fn end(&mut self, state: TerminalState, error: Option<String>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let total = self.started.elapsed();
        let held = self.held + self.brake.held() + self.upload.held();
        let upstream = self.called.map(|called| called.elapsed().saturating_sub(held));
        let outcome = ResponseFinished {
            state,
            status: self.status,
            headers: std::mem::take(&mut self.headers),
            started_at: self.started_at,
            first_byte_ms: self.first_byte.map(millis),
            duration_ms: millis(total),
            upstream_ms: upstream.map(millis),
            upstream_calls: self.upstream_calls,
            usage: None,
            error,
        };
        let overhead = total.saturating_sub(upstream.unwrap_or_default());
        self.state.meters.ended(state, total, overhead);
        if let Some(recording) = &self.recording {
            recording.finish(outcome.clone());
        }
        if let Some(observation) = self.observation.take() {
            let request = self.upload.take_copy();
            observation.finished(&self.state, outcome, request);
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.end(TerminalState::ClientAborted, Some("the client left".to_owned()));
    }
}

pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
