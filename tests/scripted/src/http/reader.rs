//! Reads requests off a connection.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Request;

const MAX_HEAD: usize = 256 * 1024;
/// Above what any client sends; the real limit is the service's to enforce.
const MAX_BODY: usize = 128 * 1024 * 1024;

/// The bytes of a connection that no request has taken yet.
#[derive(Default)]
pub struct Reader {
    buffer: BytesMut,
}

impl Reader {
    /// The next request, or none when the client is done.
    pub async fn next(&mut self, stream: &mut TcpStream) -> io::Result<Option<Request>> {
        let Some(mut request) = self.head(stream).await? else { return Ok(None) };
        if request.header("expect").is_some_and(|v| v.eq_ignore_ascii_case("100-continue")) {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        request.body = self.body(stream, &request).await?;
        Ok(Some(request))
    }

    async fn head(&mut self, stream: &mut TcpStream) -> io::Result<Option<Request>> {
        loop {
            if let Some(request) = parse(&mut self.buffer)? {
                return Ok(Some(request));
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(invalid("head too large"));
            }
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    async fn body(&mut self, stream: &mut TcpStream, request: &Request) -> io::Result<Bytes> {
        let chunked = request.header("transfer-encoding").is_some_and(|v| v.contains("chunked"));
        if chunked {
            return self.chunks(stream).await;
        }
        let length = request.header("content-length").map_or(Ok(0), str::parse::<usize>);
        let length = length.map_err(|error| invalid(&format!("content-length: {error}")))?;
        self.take(stream, length).await
    }

    async fn chunks(&mut self, stream: &mut TcpStream) -> io::Result<Bytes> {
        let mut body = BytesMut::new();
        loop {
            let line = self.line(stream).await?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size =
                usize::from_str_radix(size, 16).map_err(|e| invalid(&format!("chunk: {e}")))?;
            if size == 0 {
                while !self.line(stream).await?.is_empty() {}
                return Ok(body.freeze());
            }
            if body.len() + size > MAX_BODY {
                return Err(invalid("body too large"));
            }
            body.extend_from_slice(&self.take(stream, size).await?);
            self.take(stream, 2).await?;
        }
    }

    async fn line(&mut self, stream: &mut TcpStream) -> io::Result<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.buffer.split_to(end);
                self.buffer.advance(2);
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            self.fill(stream).await?;
        }
    }

    async fn take(&mut self, stream: &mut TcpStream, length: usize) -> io::Result<Bytes> {
        if length > MAX_BODY {
            return Err(invalid("body too large"));
        }
        self.buffer.reserve(length.saturating_sub(self.buffer.len()));
        while self.buffer.len() < length {
            self.fill(stream).await?;
        }
        Ok(self.buffer.split_to(length).freeze())
    }

    async fn fill(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        match stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// Takes a whole head off the buffer, if there is one.
fn parse(buffer: &mut BytesMut) -> io::Result<Option<Request>> {
    let mut headers = [httparse::EMPTY_HEADER; 256];
    let mut parsed = httparse::Request::new(&mut headers);
    let status = parsed.parse(buffer).map_err(|error| invalid(&error.to_string()))?;
    let httparse::Status::Complete(length) = status else { return Ok(None) };
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers: parsed.headers.iter().map(|h| (h.name.to_owned(), h.value.to_vec())).collect(),
        head: Bytes::new(),
        body: Bytes::new(),
    };
    request.head = buffer.split_to(length).freeze();
    Ok(Some(request))
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
