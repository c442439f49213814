//! The request's body on its way up: counted, recorded, and its beginning kept for another try.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{error::PayloadError, web};
use bytes::Bytes;
use futures::Stream;
use nexus_journal::Recording;
use tokio::time::{Instant, Sleep, sleep};

use super::brake::Brake;
use crate::{
    observe::RequestCopy,
    upstream::{BodyStream, UpstreamError},
};

/// Why a body did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadFailure {
    TooLarge,
    ClientLeft,
    /// Its framing is not valid.
    Malformed,
    /// No byte came for too long.
    Stalled,
}

/// Bounds of a body.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub max: u64,
    /// Bytes that are kept so that a failed connection can be tried again.
    pub kept: u64,
    /// Time without a byte.
    pub stall_timeout: Duration,
}

/// One request's body. Tries read it one after the other.
#[derive(Clone)]
pub struct Upload(Rc<RefCell<Source>>);

struct Source {
    payload: web::Payload,
    recording: Option<Recording>,
    brake: Brake,
    kept: Vec<Bytes>,
    kept_bytes: u64,
    /// False once `kept` no longer holds everything that came.
    repeatable: bool,
    seen: u64,
    limits: Limits,
    /// Runs while the client is waited for.
    stall: Option<Pin<Box<Sleep>>>,
    /// When the last of it was taken from the client.
    taken_at: Instant,
    end: Option<Result<(), UploadFailure>>,
    /// For the observer, if it cares.
    copy: Option<RequestCopy>,
}

impl Upload {
    pub fn new(
        payload: web::Payload,
        recording: Option<Recording>,
        limits: Limits,
        copy: Option<RequestCopy>,
    ) -> Self {
        Self(Rc::new(RefCell::new(Source {
            payload,
            recording,
            brake: Brake::default(),
            kept: Vec::new(),
            kept_bytes: 0,
            repeatable: true,
            seen: 0,
            limits,
            stall: None,
            taken_at: Instant::now(),
            end: None,
            copy,
        })))
    }

    /// The request has no body.
    pub fn is_absent(&self) {
        self.0.borrow_mut().close(Ok(()));
    }

    /// What the observer wants of the body.
    pub fn take_copy(&self) -> Vec<Bytes> {
        self.0.borrow_mut().copy.as_mut().map(RequestCopy::take).unwrap_or_default()
    }

    /// How long it was not read because the journal did not follow.
    pub fn held(&self) -> Duration {
        self.0.borrow().brake.held()
    }

    /// Since when the upstream has taken nothing of it. While the body waits for the client or for
    /// the journal, that is not the upstream's doing: since now.
    pub fn untouched_since(&self) -> Instant {
        let source = self.0.borrow();
        let waits = source.stall.is_some() || source.brake.is_on();
        if waits { Instant::now() } else { source.taken_at }
    }

    /// The whole body from its beginning, for one try.
    pub fn read(&self) -> BodyStream {
        Box::pin(Reading { source: self.0.clone(), next: 0 })
    }

    /// Whether another try would send the same bytes.
    pub fn is_repeatable(&self) -> bool {
        self.0.borrow().repeatable
    }

    /// Whether the body came to its end.
    pub fn is_whole(&self) -> bool {
        self.0.borrow().end == Some(Ok(()))
    }

    pub fn failure(&self) -> Option<UploadFailure> {
        self.0.borrow().end.and_then(Result::err)
    }

    /// No further try will come.
    pub fn forget(&self) {
        let mut source = self.0.borrow_mut();
        source.repeatable = false;
        source.kept = Vec::new();
    }
}

struct Reading {
    source: Rc<RefCell<Source>>,
    next: usize,
}

impl Stream for Reading {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let source = self.source.clone();
        let mut source = source.borrow_mut();
        if let Some(again) = source.kept.get(self.next) {
            self.next += 1;
            return Poll::Ready(Some(Ok(again.clone())));
        }
        let next = ready!(source.poll_fresh(cx));
        self.next = source.kept.len();
        Poll::Ready(next.map(|bytes| bytes.map_err(|_failure| UpstreamError::Body)))
    }
}

impl Source {
    /// The next bytes that no try has seen.
    fn poll_fresh(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UploadFailure>>> {
        match self.end {
            Some(Ok(())) => return Poll::Ready(None),
            Some(Err(failure)) => return Poll::Ready(Some(Err(failure))),
            None => {}
        }
        ready!(self.brake.poll(self.recording.as_ref(), cx));
        let Poll::Ready(next) = Pin::new(&mut self.payload).poll_next(cx) else {
            return self.poll_stall(cx);
        };
        self.stall = None;
        self.taken_at = Instant::now();
        let next = next.map(|bytes| bytes.map_err(|error| failure(&error)));
        Poll::Ready(match next.map(|bytes| bytes.and_then(|bytes| self.admit(bytes))) {
            None => {
                self.close(Ok(()));
                None
            }
            Some(Err(failure)) => {
                self.close(Err(failure));
                Some(Err(failure))
            }
            Some(Ok(bytes)) => Some(Ok(bytes)),
        })
    }

    fn admit(&mut self, bytes: Bytes) -> Result<Bytes, UploadFailure> {
        self.seen += bytes.len() as u64;
        if self.seen > self.limits.max {
            return Err(UploadFailure::TooLarge);
        }
        if let Some(recording) = &self.recording {
            recording.request_chunk(bytes.clone());
        }
        if let Some(copy) = &mut self.copy {
            copy.chunk(&bytes);
        }
        self.keep(&bytes);
        Ok(bytes)
    }

    fn keep(&mut self, bytes: &Bytes) {
        let kept_bytes = self.kept_bytes + bytes.len() as u64;
        if self.repeatable && kept_bytes <= self.limits.kept {
            self.kept_bytes = kept_bytes;
            self.kept.push(bytes.clone());
        } else {
            self.repeatable = false;
            self.kept = Vec::new();
        }
    }

    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UploadFailure>>> {
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(self.limits.stall_timeout)));
        ready!(stall.as_mut().poll(cx));
        self.close(Err(UploadFailure::Stalled));
        Poll::Ready(Some(Err(UploadFailure::Stalled)))
    }

    fn close(&mut self, end: Result<(), UploadFailure>) {
        self.end = Some(end);
        if let Some(recording) = self.recording.take() {
            recording.request_end(end.is_ok());
        }
        if let Some(copy) = &mut self.copy {
            copy.ended();
        }
    }
}

impl Drop for Source {
    /// The upstream answered without reading all.
    fn drop(&mut self) {
        if self.end.is_none() {
            self.close(Err(UploadFailure::ClientLeft));
        }
    }
}

fn failure(error: &PayloadError) -> UploadFailure {
    match error {
        PayloadError::EncodingCorrupted | PayloadError::UnknownLength => UploadFailure::Malformed,
        PayloadError::Overflow => UploadFailure::TooLarge,
        _ => UploadFailure::ClientLeft,
    }
}
