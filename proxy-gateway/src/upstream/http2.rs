//! HTTP/2 towards the upstream (RFC 9113), when ALPN chose it.

use std::{
    cell::Cell,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_web::http::{StatusCode, header::HeaderName as ActixName, header::HeaderValue};
use bytes::Bytes;
use futures::future::{Either, poll_fn, select};
use h2::{
    RecvStream, SendStream,
    client::{Builder, SendRequest},
};
use tokio::time::Instant;

use super::{
    error::UpstreamError,
    message::{Body, BodyLength, BodyStream, Fields, Request, Response},
    stream::Stream,
    target::Target,
};

/// Exchanges at once on one connection.
const MAX_STREAMS: u32 = 100;
/// What the upstream may send ahead on one stream. It is in memory while the client does not read.
const STREAM_WINDOW: u32 = 256 << 10;
/// Room for all of them: else a few clients that do not read would hold up everybody else.
const CONNECTION_WINDOW: u32 = MAX_STREAMS * STREAM_WINDOW;

/// A connection that carries several exchanges.
#[derive(Clone)]
pub struct Http2 {
    sender: SendRequest<Bytes>,
    active: Rc<Cell<usize>>,
    last_used: Rc<Cell<Instant>>,
    closed: Rc<Cell<bool>>,
}

impl Http2 {
    /// Shakes hands; the connection then runs as a task of this worker.
    pub async fn open(io: Stream) -> Result<Self, UpstreamError> {
        let (sender, connection) = Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .enable_push(false)
            .handshake(io)
            .await
            .map_err(|error| UpstreamError::Connect(std::io::Error::other(error)))?;
        let closed = Rc::new(Cell::new(false));
        let closed_too = closed.clone();
        actix_rt::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "an upstream connection ended");
            }
            closed_too.set(true);
        });
        let last_used = Rc::new(Cell::new(Instant::now()));
        Ok(Self { sender, active: Rc::default(), last_used, closed })
    }

    /// Whether one more exchange can begin on it now.
    pub fn has_room(&self, idle_timeout: std::time::Duration) -> bool {
        let is_stale = self.active.get() == 0 && self.last_used.get().elapsed() >= idle_timeout;
        let max_streams = self.sender.current_max_send_streams().min(MAX_STREAMS as usize);
        !self.closed.get() && !is_stale && self.active.get() < max_streams
    }

    pub fn is_alive(&self) -> bool {
        !self.closed.get()
    }

    /// Sends `request` and waits for the head of its answer; the body goes up meanwhile.
    pub async fn call(self, target: &Target, request: Request) -> Result<Response, UpstreamError> {
        let guard = ActiveGuard::new(&self);
        let mut sender = self.sender.ready().await.map_err(|_gone| UpstreamError::NoAnswer)?;
        let head = head(target, &request)?;
        let has_body = !matches!(request.length, BodyLength::Absent | BodyLength::Sized(0));
        let (answer, stream) =
            sender.send_request(head, !has_body).map_err(|_gone| UpstreamError::NoAnswer)?;
        let upload: Upload = if has_body {
            Box::pin(send_body(stream, request.body))
        } else {
            Box::pin(std::future::ready(Ok(())))
        };
        let (answer, upload) = match select(answer, upload).await {
            Either::Left((answer, upload)) => (answer, Some(upload)),
            Either::Right((sent, answer)) => {
                sent?;
                (answer.await, None)
            }
        };
        let (parts, body) = answer.map_err(|_reset| UpstreamError::NoAnswer)?.into_parts();
        let status = StatusCode::from_u16(parts.status.as_u16())
            .map_err(|_invalid| UpstreamError::Malformed("its status is not valid"))?;
        let body = Http2Body { stream: body, upload, guard, done: false };
        let complete = body.stream.is_end_stream();
        let body = Http2Body { done: complete, ..body };
        Ok(Response { status, fields: fields(&parts.headers)?, body: Body::Http2(body) })
    }
}

type Upload = std::pin::Pin<Box<dyn Future<Output = Result<(), UpstreamError>>>>;

pub struct Http2Body {
    stream: RecvStream,
    /// The request's body where the answer came before its end.
    upload: Option<Upload>,
    #[expect(dead_code, reason = "counts the exchange until the body is dropped")]
    guard: ActiveGuard,
    done: bool,
}

impl Http2Body {
    pub fn is_complete(&self) -> bool {
        self.done
    }

    pub fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        if self.done {
            return Poll::Ready(None);
        }
        if let Some(upload) = &mut self.upload
            && let Poll::Ready(sent) = upload.as_mut().poll(cx)
        {
            self.upload = None;
            sent?;
        }
        match ready!(self.stream.poll_data(cx)) {
            None => {
                self.done = true;
                Poll::Ready(None)
            }
            Some(Err(_reset)) => Poll::Ready(Some(Err(UpstreamError::Cut("the stream was reset")))),
            Some(Ok(bytes)) => {
                // Fails only when the stream is gone, which the next poll reports.
                drop(self.stream.flow_control().release_capacity(bytes.len()));
                self.done = self.stream.is_end_stream();
                Poll::Ready(Some(Ok(bytes)))
            }
        }
    }
}

/// Counts an exchange on its connection.
struct ActiveGuard {
    active: Rc<Cell<usize>>,
    last_used: Rc<Cell<Instant>>,
}

impl ActiveGuard {
    fn new(connection: &Http2) -> Self {
        connection.active.set(connection.active.get() + 1);
        Self { active: connection.active.clone(), last_used: connection.last_used.clone() }
    }
}

impl Drop for ActiveGuard {
    fn drop(&mut self) {
        self.active.set(self.active.get() - 1);
        self.last_used.set(Instant::now());
    }
}

async fn send_body(
    mut stream: SendStream<Bytes>,
    mut body: BodyStream,
) -> Result<(), UpstreamError> {
    while let Some(bytes) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
        let mut bytes = bytes.inspect_err(|_source| stream.send_reset(h2::Reason::CANCEL))?;
        while !bytes.is_empty() {
            stream.reserve_capacity(bytes.len());
            match poll_fn(|cx| stream.poll_capacity(cx)).await {
                Some(Ok(room)) => {
                    let part = bytes.split_to(room.min(bytes.len()));
                    if stream.send_data(part, false).is_err() {
                        return Ok(());
                    }
                }
                // The upstream takes no more; its answer says why.
                Some(Err(_)) | None => return Ok(()),
            }
        }
    }
    // An error only says that the upstream has already stopped listening.
    drop(stream.send_data(Bytes::new(), true));
    Ok(())
}

fn head(target: &Target, request: &Request) -> Result<http::Request<()>, UpstreamError> {
    let malformed = |_detail| UpstreamError::Malformed("the request does not fit HTTP/2");
    let scheme = if target.tls { "https" } else { "http" };
    let mut head = http::Request::builder()
        .method(request.method.as_str())
        .uri(format!("{scheme}://{}{}", target.authority, request.path));
    for (name, value) in &request.fields {
        head = head.header(name.as_str(), value.as_bytes());
    }
    if let BodyLength::Sized(length) = request.length {
        head = head.header("content-length", length);
    }
    head.body(()).map_err(malformed)
}

fn fields(headers: &http::HeaderMap) -> Result<Fields, UpstreamError> {
    let malformed = || UpstreamError::Malformed("one of its header fields is not valid");
    headers
        .iter()
        .map(|(name, value)| {
            let name = ActixName::from_bytes(name.as_str().as_bytes());
            let value = HeaderValue::from_bytes(value.as_bytes());
            Ok((name.ok().ok_or_else(malformed)?, value.ok().ok_or_else(malformed)?))
        })
        .collect()
}
