//! Writes a request: the head and the first bytes of the body in one write, the rest as it comes.

use std::{
    fmt::Write as _,
    io::IoSlice,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::http::Method;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use crate::upstream::{
    message::{BodyLength, BodyStream, Request},
    stream::Stream,
};

/// Why sending stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendFailure {
    /// The upstream takes no more.
    Io,
    /// The body's source failed.
    Body,
}

pub struct Sender {
    /// Heads and chunk sizes that wait to be written, before `chunk`.
    framing: BytesMut,
    chunk: Bytes,
    body: Option<BodyStream>,
    chunked: bool,
    /// A chunk was written, so the next size stands on a new line.
    inside_body: bool,
    failure: Option<SendFailure>,
}

impl Sender {
    pub fn new(authority: &str, request: Request) -> Self {
        let chunked = request.length == BodyLength::Chunked;
        Self {
            framing: encode_head(authority, &request),
            chunk: Bytes::new(),
            body: (request.length != BodyLength::Absent).then_some(request.body),
            chunked,
            inside_body: false,
            failure: None,
        }
    }

    /// Whether everything was handed to the kernel.
    pub fn is_done(&self) -> bool {
        self.failure.is_none()
            && self.body.is_none()
            && self.framing.is_empty()
            && self.chunk.is_empty()
    }

    pub fn poll_send(
        &mut self,
        io: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendFailure>> {
        if let Some(failure) = self.failure {
            return Poll::Ready(Err(failure));
        }
        let sent = ready!(self.poll_write_all(io, cx));
        if let Err(failure) = sent {
            self.failure = Some(failure);
            self.body = None;
        }
        Poll::Ready(sent)
    }

    fn poll_write_all(
        &mut self,
        io: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendFailure>> {
        loop {
            let more = if self.chunk.is_empty() { self.poll_pull(cx) } else { Poll::Ready(Ok(())) };
            if let Poll::Ready(Err(failure)) = more {
                return Poll::Ready(Err(failure));
            }
            while self.framing.has_remaining() || self.chunk.has_remaining() {
                ready!(self.poll_write(io, cx))?;
            }
            if self.body.is_none() || more.is_pending() {
                ready!(Pin::new(&mut *io).poll_flush(cx)).map_err(|_io| SendFailure::Io)?;
            }
            if self.body.is_none() {
                return Poll::Ready(Ok(()));
            }
            ready!(more)?;
        }
    }

    fn poll_write(
        &mut self,
        io: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendFailure>> {
        let slices = [IoSlice::new(&self.framing), IoSlice::new(&self.chunk)];
        let filled = if self.framing.is_empty() { &slices[1..] } else { &slices[..] };
        let written = ready!(Pin::new(io).poll_write_vectored(cx, filled));
        let written = match written {
            Ok(0) | Err(_) => return Poll::Ready(Err(SendFailure::Io)),
            Ok(written) => written,
        };
        let of_framing = written.min(self.framing.len());
        self.framing.advance(of_framing);
        self.chunk.advance(written - of_framing);
        Poll::Ready(Ok(()))
    }

    /// Takes the body's next bytes, framed.
    fn poll_pull(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendFailure>> {
        let Some(body) = &mut self.body else { return Poll::Ready(Ok(())) };
        match ready!(body.as_mut().poll_next(cx)) {
            // An empty chunk would be read as the body's end.
            Some(Ok(bytes)) if bytes.is_empty() => {}
            Some(Ok(bytes)) => self.frame(bytes),
            Some(Err(_source_knows)) => return Poll::Ready(Err(SendFailure::Body)),
            None => self.end_body(),
        }
        Poll::Ready(Ok(()))
    }

    fn frame(&mut self, bytes: Bytes) {
        if self.chunked {
            self.next_line();
            // Writing to memory can't fail.
            let _ = write!(self.framing, "{:x}\r\n", bytes.len());
            self.inside_body = true;
        }
        self.chunk = bytes;
    }

    fn end_body(&mut self) {
        self.body = None;
        if self.chunked {
            self.next_line();
            self.framing.extend_from_slice(b"0\r\n\r\n");
        }
    }

    fn next_line(&mut self) {
        if self.inside_body {
            self.framing.extend_from_slice(b"\r\n");
        }
    }
}

fn encode_head(authority: &str, request: &Request) -> BytesMut {
    let mut head = BytesMut::with_capacity(1024);
    for part in [request.method.as_str(), " ", &request.path, " HTTP/1.1\r\nhost: ", authority] {
        head.extend_from_slice(part.as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    for (name, value) in &request.fields {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    // Writing to memory can't fail.
    let _ = match request.length {
        BodyLength::Sized(length) => write!(head, "content-length: {length}\r\n"),
        BodyLength::Chunked => write!(head, "transfer-encoding: chunked\r\n"),
        BodyLength::Absent if needs_length(&request.method) => {
            write!(head, "content-length: 0\r\n")
        }
        BodyLength::Absent => Ok(()),
    };
    head.extend_from_slice(b"\r\n");
    head
}

/// Methods whose lack of a body is said explicitly (RFC 9110 §8.6).
fn needs_length(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}
