//! HTTP/1.1 towards the upstream (RFC 9112).
//!
//! Written here because what a transparent proxy needs is just what general clients hide: whether
//! an answer ended or broke off, an answer that comes before the request is sent, and chunks passed
//! on as they were read. ADR 0020 has the reasons.

mod body;
mod chunked;
mod head;
mod send;

use std::{
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

pub use self::body::Http1Body;
use self::{
    head::{Head, MAX_HEAD},
    send::{SendFailure, Sender},
};
use super::{
    error::UpstreamError,
    message::{Body, Request, Response},
    pool::Pool,
    stream::Stream,
};

/// First size of a read buffer; a stream of small events needs no more.
const READ: usize = 8 * 1024;

/// Sends `request` on `io` and waits for the head of its answer.
pub async fn call(
    io: Stream,
    authority: &str,
    request: Request,
    pool: Rc<Pool>,
) -> Result<Response, UpstreamError> {
    let method = request.method.clone();
    let sender = Sender::new(authority, request);
    let mut call = Call { io, sender, read: BytesMut::with_capacity(READ) };
    let head = poll_fn(|cx| call.poll_head(cx)).await?;
    let framing = head.framing(&method)?;
    let reusable = head.keep_alive;
    let body = Http1Body::new(call, framing, reusable, pool);
    Ok(Response { status: head.status, fields: head.fields, body: Body::Http1(Box::new(body)) })
}

/// A connection with one exchange on it.
struct Call {
    io: Stream,
    sender: Sender,
    read: BytesMut,
}

impl Call {
    /// The final head. Sending goes on meanwhile: an upstream may answer before it has read all.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, UpstreamError>> {
        loop {
            self.drive_sender(cx)?;
            while let Some(head) = Head::take(&mut self.read)? {
                if !head.status.is_informational() {
                    return Poll::Ready(Ok(head));
                }
            }
            if self.read.len() >= MAX_HEAD {
                return Poll::Ready(Err(UpstreamError::Malformed("its head is too long")));
            }
            match ready!(self.poll_read(cx)) {
                Ok(0) | Err(_) => return Poll::Ready(Err(self.no_head())),
                Ok(_read) => {}
            }
        }
    }

    fn no_head(&self) -> UpstreamError {
        if self.read.is_empty() {
            UpstreamError::NoAnswer
        } else {
            UpstreamError::Cut("inside its head")
        }
    }

    /// A failed write is no verdict: the upstream may have answered and closed its reading side.
    fn drive_sender(&mut self, cx: &mut Context<'_>) -> Result<(), UpstreamError> {
        match self.sender.poll_send(&mut self.io, cx) {
            Poll::Ready(Err(SendFailure::Body)) => Err(UpstreamError::Body),
            Poll::Ready(Ok(()) | Err(SendFailure::Io)) | Poll::Pending => Ok(()),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<usize>> {
        if self.read.capacity() - self.read.len() < READ / 4 {
            self.read.reserve(READ);
        }
        poll_read_buf(Pin::new(&mut self.io), cx, &mut self.read)
    }
}

/// Whether an idle connection is still quiet: anything readable, an end as well, makes it useless.
pub fn is_quiet(io: &mut Stream) -> bool {
    let mut byte = [0; 1];
    let mut buf = tokio::io::ReadBuf::new(&mut byte);
    let mut cx = Context::from_waker(std::task::Waker::noop());
    Pin::new(io).poll_read(&mut cx, &mut buf).is_pending()
}
