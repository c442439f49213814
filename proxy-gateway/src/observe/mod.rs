//! Everything that is learnt from an exchange beside its record: live events, token statistics,
//! notifications, telemetry. All of it happens on a copy, on a thread of its own.

mod debug;
mod glimpse;
mod growing;
mod masked;
mod outbox;
mod reading;
mod report;
mod request;
mod samples;
mod slack;
mod stats;
mod telemetry;
mod thread;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering::Relaxed},
    mpsc::{Receiver, SyncSender, sync_channel},
};

use bytes::{Bytes, BytesMut};
use nexus_contract::{ExchangeId, Headers, LiveEvent, LiveTopic, ResponseFinished};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use self::growing::{Growing, Pace};
pub use self::{
    growing::{Watched, listen},
    outbox::{Letters, Outbox, outbox, send_all},
    report::Report,
    request::{RequestCopy, Started},
    slack::message as slack_message,
    stats::Stats,
};
use crate::{config::DomainSlack, domain::Domain, state::State};

/// What the thread reads.
pub enum Seen {
    Ended(Box<Report>),
    Growing(Growing),
}

/// What waits for the observer at most.
const MAX_WAITING: usize = 1024;

/// Bytes that the copies of all exchanges may hold together, of those that run and those that wait.
const MAX_BYTES: usize = 256 << 20;

/// Bytes of one answer that are looked at; a longer one is looked at in part.
const MAX_ANSWER: usize = 16 << 20;

/// Bytes taken at a time for copies: the events of an answer are mostly smaller than what it takes to
/// keep each by itself.
const ROOM: usize = 4 << 10;

/// The way to the observer's thread.
pub struct Observer {
    queue: SyncSender<Seen>,
    held_bytes: AtomicUsize,
    seen: Mutex<Option<Receiver<Seen>>>,
}

impl Default for Observer {
    fn default() -> Self {
        let (queue, seen) = sync_channel(MAX_WAITING);
        Self { queue, held_bytes: AtomicUsize::new(0), seen: Mutex::new(Some(seen)) }
    }
}

impl Observer {
    /// What the thread reads; given out once.
    fn take_seen(&self) -> Option<Receiver<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Room for so many bytes of a copy; false when there is none.
    fn reserve(&self, bytes: usize) -> bool {
        let has_room = self.held_bytes.fetch_add(bytes, Relaxed) + bytes <= MAX_BYTES;
        if !has_room {
            self.release(bytes);
        }
        has_room
    }

    /// Gives back what was reserved.
    pub fn release(&self, bytes: usize) {
        self.held_bytes.fetch_sub(bytes, Relaxed);
    }

    /// False when too many wait. The report's bytes are reserved already.
    fn submit(&self, report: Report) -> bool {
        let bytes = report.bytes();
        let is_taken = self.queue.try_send(Seen::Ended(Box::new(report))).is_ok();
        if !is_taken {
            self.release(bytes);
        }
        is_taken
    }

    /// Lost when there is no room: the next chunk brings it again.
    fn submit_growing(&self, growing: Growing) {
        drop(self.queue.try_send(Seen::Growing(growing)));
    }
}

/// Starts the observer's thread. `None` when it runs already, or can't be started.
pub fn spawn(
    state: Arc<State>,
    outbox: Outbox,
    stop: CancellationToken,
) -> Option<std::thread::JoinHandle<()>> {
    let seen = state.observer.take_seen()?;
    let observing = move || thread::run(&state, &seen, outbox, &stop);
    let spawned = std::thread::Builder::new().name("gateway-observer".into()).spawn(observing);
    spawned.inspect_err(|error| tracing::error!(%error, "the observer can't be started")).ok()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FirstByte {
    first_token_ms: u64,
    status: Option<u16>,
}

/// The copy of one exchange while it runs.
pub struct Observation {
    pub id: ExchangeId,
    pub domain: Domain,
    pub account_id: Option<String>,
    pub path: String,
    pub request_headers: Headers,
    /// The domain's own notices.
    pub slack: DomainSlack,
    status: Option<u16>,
    answer: Vec<Bytes>,
    answer_bytes: usize,
    /// Where the answer is copied to.
    room: BytesMut,
    /// There was no room for all of the answer.
    is_partial: bool,
    pace: Pace,
}

impl Observation {
    pub fn new(
        id: ExchangeId,
        domain: Domain,
        account_id: Option<String>,
        path: String,
        request_headers: Headers,
        slack: DomainSlack,
    ) -> Self {
        Self {
            id,
            domain,
            account_id,
            path,
            request_headers,
            slack,
            status: None,
            answer: Vec::new(),
            answer_bytes: 0,
            room: BytesMut::new(),
            is_partial: false,
            pace: Pace::default(),
        }
    }

    pub fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }

    pub fn first_byte(&mut self, state: &State, first_token_ms: u64) {
        let data = FirstByte { first_token_ms, status: self.status };
        publish(state, LiveTopic::FirstByte, self.id, &self.domain, &data);
    }

    /// A part of the answer's body; `coding` is how all of it is encoded.
    pub fn chunk(&mut self, state: &State, coding: Option<&str>, bytes: &Bytes) {
        if self.answer_bytes >= MAX_ANSWER || self.is_partial {
            return;
        }
        if state.observer.reserve(bytes.len()) {
            self.answer_bytes += bytes.len();
            self.answer.push(copied(&mut self.room, bytes));
        } else {
            self.is_partial = true;
        }
        if self.pace.is_due(state, self.id, self.answer_bytes) {
            state.observer.submit_growing(Growing {
                id: self.id,
                domain: self.domain.clone(),
                coding: coding.map(str::to_owned),
                answer: self.answer.clone(),
            });
        }
    }

    /// Hands the whole over to the observer's thread.
    pub fn finished(self, state: &State, outcome: ResponseFinished, request: Vec<Bytes>) {
        let report = Report {
            id: self.id,
            domain: self.domain,
            account_id: self.account_id,
            path: self.path,
            request_headers: self.request_headers,
            request,
            answer: self.answer,
            slack: self.slack,
            outcome,
        };
        if self.is_partial {
            state.observer.release(report.bytes());
            state.meters.unobserved();
        } else if !state.observer.submit(report) {
            state.meters.unobserved();
        }
    }
}

/// A copy of `chunk`. The chunk itself would keep the whole buffer in memory in which it came, and the
/// observer's thread would give it back to the worker's share of the allocator.
fn copied(room: &mut BytesMut, chunk: &[u8]) -> Bytes {
    if room.capacity() < chunk.len() {
        room.reserve(chunk.len().max(ROOM));
    }
    room.extend_from_slice(chunk);
    room.split().freeze()
}

/// Publishes a live event; nobody waits for it.
pub fn publish(
    state: &State,
    topic: LiveTopic,
    id: ExchangeId,
    domain: &Domain,
    data: &impl Serialize,
) {
    let at = state.deps.clock.now();
    state.deps.live.publish(LiveEvent::new(topic, Some(id), at, domain.as_str(), data));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_nothing_of_the_buffer_in_which_it_came() {
        let buffer = Bytes::from(vec![7; 8 * 1024]);
        let mut room = BytesMut::new();
        let copies: Vec<_> = (1..20).map(|size| copied(&mut room, &buffer.slice(..size))).collect();
        assert!(buffer.is_unique(), "only the buffer itself is left");
        for (copy, size) in copies.iter().zip(1..) {
            assert_eq!(copy[..], buffer[..size]);
        }
        for pair in copies.windows(2) {
            assert_eq!(pair[0].as_ptr_range().end, pair[1].as_ptr(), "small ones share their room");
        }
        assert_eq!(copied(&mut room, &buffer), buffer, "and a large one has room as well");
    }
}
