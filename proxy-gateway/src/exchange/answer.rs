//! The answer's body on its way down: byte for byte, recorded, ended or cut as the upstream's was.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use futures::{FutureExt, future::LocalBoxFuture};
use nexus_contract::TerminalState;
use tokio::time::{Instant, sleep};

use super::{
    events::EventWatch,
    ledger::Ledger,
    unread::{Place, Unread},
    watch::Watch,
};
use crate::{
    config::OnClientAbort,
    problem::Problem,
    upstream::{Body, UpstreamError},
};

/// Time for the server to flush what came before a cut, since it drops its buffer with the
/// connection.
const FLUSH: Duration = Duration::from_millis(20);

/// Ends the connection without an end of the body. Never shown to anyone.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
pub struct Broken;

/// A body that the server sends.
pub struct Answer {
    parts: Rc<Slot>,
    /// Where it is looked at while nobody asks for more.
    _place: Option<Place>,
    size: BodySize,
    /// Bytes of the body that came.
    seen: u64,
    phase: Phase,
}

/// Empty when the answer is over, on its way down or because nobody asked for more.
pub type Slot = Cell<Option<Box<Parts>>>;

/// What is still needed when the client has left.
pub struct Parts {
    pub ledger: Ledger,
    pub body: Body,
    pub watch: Watch,
    /// For event streams.
    pub events: Option<EventWatch>,
    /// State of an answer that comes to its end.
    pub end_state: TerminalState,
}

enum Phase {
    Streaming,
    /// The end is recorded; the last bytes wait until that is written.
    Releasing {
        last: Option<Bytes>,
        since: Instant,
        /// `None` where nothing is recorded.
        written: Option<LocalBoxFuture<'static, ()>>,
    },
    /// The connection ends when the server has flushed.
    Breaking(Pin<Box<tokio::time::Sleep>>),
    Done,
}

impl Answer {
    pub fn new(parts: Parts, size: BodySize, unread: &Unread) -> Self {
        let parts = Rc::new(Cell::new(Some(Box::new(parts))));
        let place = Some(unread.add(&parts));
        Self { parts, _place: place, size, seen: 0, phase: Phase::Streaming }
    }

    /// No byte follows. The size is what the head says, as for HEAD.
    pub fn empty(size: BodySize) -> Self {
        Self { parts: Rc::default(), _place: None, size, seen: 0, phase: Phase::Done }
    }

    fn poll_streaming(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        let Some(mut parts) = self.parts.take() else { return Poll::Ready(Some(Err(Broken))) };
        let Poll::Ready(chunk) = parts.poll_chunk(cx) else {
            let Poll::Ready(reason) = parts.watch.poll_over(cx) else {
                self.parts.set(Some(parts));
                return Poll::Pending;
            };
            return self.time_out(&mut parts, reason);
        };
        match chunk {
            Some(Ok(bytes)) => {
                parts.take_chunk(&bytes);
                self.seen += bytes.len() as u64;
                // With HTTP/2 the end may come behind the last byte that the head promised; the
                // server does not ask for more then.
                let is_all = self.size == BodySize::Sized(self.seen);
                if !parts.body.is_complete() && !is_all {
                    self.parts.set(Some(parts));
                    return Poll::Ready(Some(Ok(bytes)));
                }
                self.finish(&mut parts, Some(bytes));
            }
            None => self.finish(&mut parts, None),
            Some(Err(error)) => {
                parts.ledger.end(TerminalState::UpstreamCut, Some(error.to_string()));
                self.break_off();
            }
        }
        self.poll(cx)
    }

    /// The upstream's answer is whole: it is recorded before the client can know.
    fn finish(&mut self, parts: &mut Parts, last: Option<Bytes>) {
        parts.end();
        let written = parts.ledger.written().map(FutureExt::boxed_local);
        self.phase = Phase::Releasing { last, since: Instant::now(), written };
    }

    fn time_out(
        &mut self,
        parts: &mut Parts,
        reason: &'static str,
    ) -> Poll<Option<Result<Bytes, Broken>>> {
        let event = parts.closing_event(reason);
        parts.ledger.end(TerminalState::TimedOut, Some(reason.to_owned()));
        self.break_off();
        event.map_or(Poll::Pending, |event| Poll::Ready(Some(Ok(event))))
    }

    fn break_off(&mut self) {
        self.phase = Phase::Breaking(Box::pin(sleep(FLUSH)));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        match &mut self.phase {
            Phase::Streaming => self.poll_streaming(cx),
            Phase::Releasing { last, written, since } => {
                if let Some(written) = written {
                    ready!(written.as_mut().poll(cx));
                }
                tracing::trace!(held = ?since.elapsed(), "released");
                let last = last.take();
                self.phase = Phase::Done;
                Poll::Ready(last.map(Ok))
            }
            Phase::Breaking(flush) => {
                ready!(flush.as_mut().poll(cx));
                self.phase = Phase::Done;
                Poll::Ready(Some(Err(Broken)))
            }
            Phase::Done => Poll::Ready(None),
        }
    }
}

impl MessageBody for Answer {
    type Error = Broken;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let polled = this.poll(cx);
        if polled.is_pending() && matches!(this.phase, Phase::Breaking(_)) {
            // The phase may have changed without its timer being polled.
            return this.poll(cx);
        }
        polled
    }
}

impl Drop for Answer {
    /// The client left. The upstream call ends with its connection, unless the record wants it all.
    fn drop(&mut self) {
        let Some(mut parts) = self.parts.take() else { return };
        if let Some(reason) = parts.watch.deadline().over() {
            // It is the server that left, at the end of a stop.
            parts.ledger.end(TerminalState::TimedOut, Some(reason.to_owned()));
        } else if parts.ledger.state.config.clients.on_abort == OnClientAbort::Finish {
            actix_rt::spawn(parts.read_on());
        }
    }
}

impl Parts {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        let room = self.ledger.poll_room(cx);
        if room != Poll::Ready(false) {
            // What the upstream sends meanwhile waits unread: nobody can say that it sends nothing.
            self.watch.saw_byte();
        }
        ready!(room);
        self.body.poll_chunk(cx)
    }

    fn take_chunk(&mut self, bytes: &Bytes) {
        self.watch.saw_byte();
        if let Some(events) = &mut self.events {
            events.chunk(bytes);
        }
        self.ledger.chunk(bytes);
    }

    pub fn end(&mut self) {
        let failed = self.events.as_ref().is_some_and(EventWatch::saw_error);
        let state = if failed { TerminalState::UpstreamError } else { self.end_state };
        let error = match (state, failed) {
            (TerminalState::UpstreamError, true) => Some("the stream held an error event"),
            (TerminalState::UpstreamError, false) => Some("the upstream answered with an error"),
            _ => None,
        };
        self.ledger.end(state, error.map(str::to_owned));
    }

    /// The error as an event, where the stream can take one more.
    fn closing_event(&mut self, reason: &'static str) -> Option<Bytes> {
        let events = self.events.as_ref().filter(|events| !events.is_encoded())?;
        let event = Problem::Timeout(reason).event(&self.ledger.id.to_string());
        // An unfinished event is closed first, or the error would become part of it.
        let start = if events.is_between_events() { "" } else { "\n\n" };
        let event = Bytes::from(format!("{start}{event}"));
        self.ledger.chunk(&event);
        Some(event)
    }

    async fn read_on(mut self) {
        loop {
            let next = std::future::poll_fn(|cx| {
                if let Poll::Ready(chunk) = self.poll_chunk(cx) {
                    return Poll::Ready(chunk);
                }
                self.watch.poll_over(cx).map(|reason| Some(Err(UpstreamError::Cut(reason))))
            });
            match next.await {
                Some(Ok(bytes)) => self.take_chunk(&bytes),
                Some(Err(_)) | None => break,
            }
        }
        self.ledger.end(TerminalState::ClientAborted, Some("the client left".to_owned()));
    }
}
