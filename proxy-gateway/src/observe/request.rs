//! The copy of a request while it comes in: a glimpse for the live view, and the body itself where
//! the observer will want it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use nexus_contract::{ExchangeId, LiveTopic};
use serde::Serialize;

use super::{copied, glimpse::Glimpse, publish};
use crate::{config::DomainSlack, domain::Domain, state::State, upstream::BodyLength};

/// Larger requests are the agents' own turns. Keeping and reading them only to count them would cost
/// more than forwarding them, so that it needs a reason.
const SMALL: usize = 32 * 1024;

/// What is told as soon as a request is there.
pub struct Started {
    pub id: ExchangeId,
    pub domain: Domain,
    pub path: String,
}

#[derive(Serialize)]
struct Begun {
    model: Option<String>,
    stream: Option<bool>,
    path: String,
}

pub struct RequestCopy {
    state: Arc<State>,
    /// Until it is told.
    started: Option<Started>,
    glimpse: Glimpse,
    kept: Vec<Bytes>,
    kept_bytes: usize,
    /// Where the body is copied to.
    room: BytesMut,
    max: usize,
}

impl RequestCopy {
    pub fn new(
        state: Arc<State>,
        started: Started,
        slack: &DomainSlack,
        length: BodyLength,
    ) -> Self {
        let max = match length {
            _ if wants_whole(&state, slack) => usize::MAX,
            // Known to be given up later.
            BodyLength::Sized(length) if length > SMALL as u64 => 0,
            _ => SMALL,
        };
        let (started, glimpse, room) = (Some(started), Glimpse::default(), BytesMut::new());
        Self { state, started, glimpse, kept: Vec::new(), kept_bytes: 0, room, max }
    }

    pub fn chunk(&mut self, bytes: &Bytes) {
        self.glimpse.look(bytes);
        let fits = bytes.len() <= self.max.saturating_sub(self.kept_bytes);
        if fits && self.state.observer.reserve(bytes.len()) {
            self.kept_bytes += bytes.len();
            self.kept.push(copied(&mut self.room, bytes));
        } else {
            self.give_up();
        }
    }

    /// The body is there, or what there will be of it.
    pub fn ended(&mut self) {
        let Some(started) = self.started.take() else { return };
        let Glimpse { model, stream } = std::mem::take(&mut self.glimpse);
        let data = Begun { model, stream, path: started.path };
        publish(&self.state, LiveTopic::Started, started.id, &started.domain, &data);
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
        self.room = BytesMut::new();
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
    slack.is_told(config.notify.slack.as_ref()) || config.capture.shows_exchanges()
}
