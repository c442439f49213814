//! The body of an answer: bytes as they come, and the difference between an end and a cut.

use std::{
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};

use super::{Call, chunked::Chunked};
use crate::upstream::{error::UpstreamError, pool::Pool};

/// How the body ends.
#[derive(Debug)]
pub enum Framing {
    /// After so many more bytes.
    Length(u64),
    Chunked(Chunked),
    /// With the connection.
    UntilClose,
}

pub struct Http1Body {
    /// Gone when the connection was given back or closed.
    call: Option<Call>,
    framing: Framing,
    reusable: bool,
    pool: Rc<Pool>,
}

impl Http1Body {
    pub(super) fn new(call: Call, framing: Framing, reusable: bool, pool: Rc<Pool>) -> Self {
        let mut body = Self { call: Some(call), framing, reusable, pool };
        body.release_if_complete();
        body
    }

    pub fn is_complete(&self) -> bool {
        is_complete(&self.framing)
    }

    pub fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        loop {
            let Some(call) = &mut self.call else { return Poll::Ready(None) };
            let taken = take(&mut self.framing, &mut call.read)?;
            if !taken.is_empty() {
                self.release_if_complete();
                return Poll::Ready(Some(Ok(taken)));
            }
            if is_complete(&self.framing) {
                self.release_if_complete();
                return Poll::Ready(None);
            }
            if !call.sender.is_done() {
                call.drive_sender(cx)?;
            }
            match ready!(call.poll_read(cx)) {
                Ok(0) => return Poll::Ready(self.at_eof()),
                Ok(_read) => {}
                Err(_detail) => return Poll::Ready(Some(Err(self.cut("the connection failed")))),
            }
        }
    }

    fn at_eof(&mut self) -> Option<Result<Bytes, UpstreamError>> {
        if matches!(self.framing, Framing::UntilClose) {
            self.framing = Framing::Length(0);
            self.call = None;
            return None;
        }
        Some(Err(self.cut("the connection was closed before the end")))
    }

    fn cut(&mut self, what: &'static str) -> UpstreamError {
        self.call = None;
        UpstreamError::Cut(what)
    }

    /// A finished exchange frees its connection for the next, if both sides left it clean.
    fn release_if_complete(&mut self) {
        if !self.is_complete() {
            return;
        }
        let Some(call) = self.call.take() else { return };
        if self.reusable && call.sender.is_done() && call.read.is_empty() {
            self.pool.put(call.io);
        }
    }
}

const fn is_complete(framing: &Framing) -> bool {
    matches!(framing, Framing::Length(0) | Framing::Chunked(Chunked::Done))
}

fn take(framing: &mut Framing, read: &mut BytesMut) -> Result<Bytes, UpstreamError> {
    match framing {
        Framing::Length(left) => {
            let here = usize::try_from(*left).unwrap_or(usize::MAX).min(read.len());
            *left -= here as u64;
            Ok(read.split_to(here).freeze())
        }
        Framing::Chunked(chunked) => chunked.take(read),
        Framing::UntilClose => Ok(read.split().freeze()),
    }
}
