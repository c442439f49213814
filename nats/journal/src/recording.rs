//! One exchange, being recorded. Nothing that records waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use nexus_contract::{ExchangeId, Headers, ResponseFinished, TerminalState};

use crate::{
    frame::{FrameHeader, FrameKind, Side},
    queue::{Refused, Weigh},
    record::{RequestHead, ResponseHead},
    shared::Shared,
    stats::LossReason,
};

/// Records one exchange. Clones record the same one; the request's side and the answer's may be
/// recorded from different tasks.
///
/// When the last clone is dropped without [`finish`](Self::finish), the exchange ends as
/// `client_aborted`: whoever drops it gave up on a client that left.
#[derive(Clone)]
pub struct Recording(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    ticket: Arc<Ticket>,
    ended: AtomicBool,
}

/// What the writer needs to know of an exchange.
pub(crate) struct Ticket {
    pub head: RequestHead,
    next_seq: [AtomicU32; 2],
    loss: AtomicU8,
    /// Whether a frame was appended, so that the end must be.
    begun: AtomicBool,
    /// Whether the head has its place in the journal. The writer's alone.
    in_journal: AtomicBool,
    /// Appended items up to and with this exchange's last one.
    last: AtomicU64,
}

impl Ticket {
    pub fn lose(&self, reason: LossReason) {
        self.loss.store(reason as u8, Relaxed);
    }

    pub fn loss(&self) -> Option<LossReason> {
        LossReason::parse(self.loss.load(Relaxed))
    }

    fn next_seq(&self, side: Side) -> u32 {
        self.next_seq[side as usize].fetch_add(1, Relaxed)
    }

    /// Whether the journal may hold frames of it.
    fn begun(&self) -> bool {
        self.begun.load(Relaxed)
    }

    pub fn is_in_journal(&self) -> bool {
        self.in_journal.load(Relaxed)
    }

    pub fn set_in_journal(&self, is: bool) {
        self.in_journal.store(is, Relaxed);
    }
}

/// What waits for the writer.
pub(crate) enum Item {
    Pending(Pending),
    Carried(Carried),
}

/// A frame that is written once more, so that the segment it stands in can go.
pub(crate) struct Carried {
    pub header: FrameHeader,
    pub payload: Bytes,
}

/// A frame on its way to the writer.
pub(crate) struct Pending {
    pub ticket: Arc<Ticket>,
    pub seq: u32,
    pub payload: Payload,
}

pub(crate) enum Payload {
    RequestHead,
    RequestChunk(Bytes),
    RequestEnd(bool),
    ResponseHead(Box<ResponseHead>),
    ResponseChunk(Bytes),
    Finish(Box<ResponseFinished>),
}

impl Payload {
    pub fn kind(&self) -> FrameKind {
        match self {
            Self::RequestHead => FrameKind::RequestHead,
            Self::RequestChunk(_) => FrameKind::RequestChunk,
            Self::RequestEnd(_) => FrameKind::RequestEnd,
            Self::ResponseHead(_) => FrameKind::ResponseHead,
            Self::ResponseChunk(_) => FrameKind::ResponseChunk,
            Self::Finish(_) => FrameKind::Finish,
        }
    }
}

impl Weigh for Item {
    fn weight(&self) -> usize {
        match self {
            Self::Pending(pending) => pending.weight(),
            Self::Carried(carried) => 128 + carried.payload.len(),
        }
    }

    fn is_urgent(&self) -> bool {
        matches!(self, Self::Pending(pending) if pending.is_urgent())
    }
}

impl Pending {
    /// Chunks weigh their bytes; heads are charged what a large one takes.
    pub fn weight(&self) -> usize {
        const HEAD: usize = 2_048;
        match &self.payload {
            Payload::RequestChunk(bytes) | Payload::ResponseChunk(bytes) => 128 + bytes.len(),
            Payload::RequestEnd(_) => 128,
            Payload::RequestHead | Payload::ResponseHead(_) | Payload::Finish(_) => HEAD,
        }
    }

    fn is_urgent(&self) -> bool {
        // The journal holds its head, so that it must learn of its end. There are as many of these
        // as exchanges were open at a time.
        matches!(self.payload, Payload::Finish(_)) && self.ticket.begun()
    }
}

impl Recording {
    pub(crate) fn begin(shared: Arc<Shared>, head: RequestHead, loss: Option<LossReason>) -> Self {
        let ticket = Arc::new(Ticket {
            head,
            next_seq: [AtomicU32::new(0), AtomicU32::new(0)],
            loss: AtomicU8::new(0),
            begun: AtomicBool::new(false),
            in_journal: AtomicBool::new(false),
            last: AtomicU64::new(0),
        });
        let recording = Self(Arc::new(Inner { shared, ticket, ended: AtomicBool::new(false) }));
        if let Some(reason) = loss {
            recording.0.ticket.lose(reason);
        }
        recording.append(Payload::RequestHead);
        recording
    }

    pub fn id(&self) -> ExchangeId {
        self.0.ticket.head.id
    }

    /// Why frames are missing, when some are.
    pub fn loss(&self) -> Option<LossReason> {
        self.0.ticket.loss()
    }

    /// A piece of the request's body, as it came.
    pub fn request_chunk(&self, bytes: Bytes) {
        self.chunks(bytes, Payload::RequestChunk);
    }

    /// The request's body is over; `complete` is false when the client left before.
    pub fn request_end(&self, complete: bool) {
        self.append(Payload::RequestEnd(complete));
    }

    /// The answer's head, as soon as it is known. May be said again when more is known.
    pub fn response_head(&self, head: ResponseHead) {
        self.append(Payload::ResponseHead(Box::new(head)));
    }

    /// A piece of the answer's body, as it came.
    pub fn response_chunk(&self, bytes: Bytes) {
        self.chunks(bytes, Payload::ResponseChunk);
    }

    /// The end of the exchange. Only the first call counts.
    pub fn finish(&self, outcome: ResponseFinished) {
        self.0.finish(outcome);
    }

    /// Resolves when everything appended so far was written (or counted as lost). Takes no lock
    /// and no turn of the executor when that is so already.
    pub async fn written(&self) {
        if !self.0.is_written() {
            // An error says that the journal was closed; what was appended is counted there.
            let _closed = self.0.shared.queue.flushed().await;
        }
    }

    /// [`written`](Self::written), but no longer than `patience`. False (and counted as late) when
    /// the writer was not done by then.
    pub async fn written_within(&self, patience: Duration) -> bool {
        let in_time = tokio::time::timeout(patience, self.written()).await.is_ok();
        if !in_time {
            self.0.shared.stats.late(1);
        }
        in_time
    }

    /// Whether the writer keeps up. Where it does not, a source that can wait is not read before
    /// [`room`](Self::room) resolves: what is appended beyond the bound is lost.
    pub fn has_room(&self) -> bool {
        self.0.shared.queue.has_room()
    }

    /// Resolves when the writer has caught up, or stands still.
    pub fn room(&self) -> impl Future<Output = ()> + use<> {
        let shared = self.0.shared.clone();
        async move { shared.queue.room().await }
    }

    fn chunks(&self, mut bytes: Bytes, payload: impl Fn(Bytes) -> Payload) {
        let max = self.0.shared.max_payload;
        while bytes.len() > max {
            self.append(payload(bytes.split_to(max)));
        }
        if !bytes.is_empty() {
            self.append(payload(bytes));
        }
    }

    fn append(&self, payload: Payload) {
        self.0.append(payload);
    }
}

impl Inner {
    /// After a loss only the end is appended: it becomes the tombstone. Nothing follows the end.
    fn append(&self, payload: Payload) {
        let is_end = matches!(payload, Payload::Finish(_));
        let is_over = self.ticket.loss().is_some() || self.ended.load(Relaxed);
        if is_over && !is_end {
            return;
        }
        let seq = self.ticket.next_seq(payload.kind().side());
        let pending = Pending { ticket: self.ticket.clone(), seq, payload };
        match self.shared.queue.push(Item::Pending(pending)) {
            Ok(appended) => {
                self.ticket.begun.store(true, Relaxed);
                self.ticket.last.fetch_max(appended, Relaxed);
            }
            Err(Refused(_)) if is_end => self.shared.stats.lost(1),
            Err(Refused(_)) => self.ticket.lose(LossReason::Queue),
        }
    }

    fn finish(&self, outcome: ResponseFinished) {
        if !self.ended.swap(true, Relaxed) {
            self.append(Payload::Finish(Box::new(outcome)));
        }
    }

    fn is_written(&self) -> bool {
        self.shared.is_written(self.ticket.last.load(Relaxed))
    }

    fn given_up(&self) -> ResponseFinished {
        let started_at = self.ticket.head.at;
        let elapsed = self.shared.clock.now().as_millisecond() - started_at.as_millisecond();
        ResponseFinished {
            state: TerminalState::ClientAborted,
            status: None,
            headers: Headers::default(),
            started_at,
            first_byte_ms: None,
            duration_ms: u64::try_from(elapsed).unwrap_or(0),
            upstream_ms: None,
            upstream_calls: 0,
            usage: None,
            error: Some("the exchange was given up before its end".to_owned()),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !*self.ended.get_mut() {
            let outcome = self.given_up();
            self.finish(outcome);
        }
    }
}
