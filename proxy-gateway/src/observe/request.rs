//! The copy of a request while it comes in: a glimpse for the live view, and the body itself where
//! the observer will want it.

use std::sync::Arc;

use bytes::Bytes;
use nexus_contract::{ExchangeId, LiveTopic};
use serde_json::json;

use super::{glimpse::Glimpse, publish};
use crate::{config::DomainSlack, domain::Domain, state::State};

/// Larger requests are the agents' own turns. Keeping and reading them only to count them would cost
/// more than forwarding them, so that it needs a reason.
const SMALL: usize = 32 * 1024;

/// What is told as soon as a request is there.
pub struct Started {
    pub id: ExchangeId,
    pub domain: Domain,
    pub path: String,
}

pub struct RequestCopy {
    state: Arc<State>,
    /// Until it is told.
    started: Option<Started>,
    glimpse: Glimpse,
    kept: Vec<Bytes>,
    kept_bytes: usize,
    max: usize,
}

impl RequestCopy {
    pub fn new(state: Arc<State>, started: Started, slack: &DomainSlack) -> Self {
        let max = if wants_whole(&state, slack) { usize::MAX } else { SMALL };
        let glimpse = Glimpse::default();
        Self { state, started: Some(started), glimpse, kept: Vec::new(), kept_bytes: 0, max }
    }

    pub fn chunk(&mut self, bytes: &Bytes) {
        self.glimpse.look(bytes);
        let fits = bytes.len() <= self.max.saturating_sub(self.kept_bytes);
        if fits && self.state.observer.reserve(bytes.len()) {
            self.kept_bytes += bytes.len();
            self.kept.push(bytes.clone());
        } else {
            self.give_up();
        }
    }

    /// The body is there, or what there will be of it.
    pub fn ended(&mut self) {
        let Some(started) = self.started.take() else { return };
        let Glimpse { model, stream } = &self.glimpse;
        let data = json!({ "model": model, "stream": stream, "path": started.path });
        publish(&self.state, LiveTopic::Started, started.id, &started.domain, data);
    }

    /// The body, with its share of the observer's room; empty where it is not wanted.
    pub fn take(&mut self) -> Vec<Bytes> {
        self.kept_bytes = 0;
        std::mem::take(&mut self.kept)
    }

    /// A part of a body is of no use to anyone.
    fn give_up(&mut self) {
        self.state.observer.release(self.kept_bytes);
        self.max = 0;
        self.take();
    }
}

impl Drop for RequestCopy {
    fn drop(&mut self) {
        self.state.observer.release(self.kept_bytes);
    }
}

fn wants_whole(state: &State, slack: &DomainSlack) -> bool {
    let config = &state.config;
    let is_told = slack.is_told(config.notify.slack.as_ref());
    is_told || config.capture.debug || config.capture.samples_dir.is_some()
}
