//! HTTP by hand: what is written is what is sent, what is read is what came.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::LIMIT;

/// An answer as it came.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    /// Without chunk framing.
    pub body: Vec<u8>,
    /// Whether the body came to the end that its framing announced.
    pub complete: bool,
}

impl Reply {
    /// The first value of a header field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// Sends `request` on a new connection and reads until the gateway closes it, or the answer is
/// whole.
pub async fn send(addr: SocketAddr, request: &[u8]) -> Reply {
    let mut io = connect(addr).await;
    // The gateway may answer and close before it has read all.
    let _closed_early = io.write_all(request).await;
    read(&mut io).await
}

pub async fn connect(addr: SocketAddr) -> TcpStream {
    let io = TcpStream::connect(addr).await.expect("the gateway listens");
    io.set_nodelay(true).expect("a socket option");
    io
}

/// Reads one answer.
pub async fn read(io: &mut TcpStream) -> Reply {
    try_read(io).await.expect("a head")
}

/// Reads one answer; `None` when the gateway closes without one.
pub async fn try_read(io: &mut TcpStream) -> Option<Reply> {
    let mut wire = Vec::new();
    timeout(LIMIT, async {
        let mut buf = vec![0; 64 * 1024];
        loop {
            if let Some(reply) = parse(&wire, false) {
                return Some(reply);
            }
            match io.read(&mut buf).await {
                Ok(0) | Err(_) => return parse(&wire, true),
                Ok(read) => wire.extend_from_slice(&buf[..read]),
            }
        }
    })
    .await
    .expect("an answer in time")
}

/// A request with a body and a length.
pub fn post(path: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: test.local\r\n{fields}content-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn parse(wire: &[u8], at_end: bool) -> Option<Reply> {
    let end = wire.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&wire[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let mut reply = Reply { status, head, body: Vec::new(), complete: false };
    let rest = &wire[end + 4..];
    if let Some(length) = reply.field("content-length").and_then(|text| text.parse::<usize>().ok())
    {
        reply.complete = rest.len() >= length;
        reply.body = rest[..rest.len().min(length)].to_vec();
    } else if reply.field("transfer-encoding") == Some("chunked") {
        (reply.body, reply.complete) = dechunk(rest);
    } else {
        reply.body = rest.to_vec();
        reply.complete = at_end || matches!(status, 100..200 | 204 | 304);
    }
    (reply.complete || at_end).then_some(reply)
}

fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).ok();
        let Some(size) = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok()) else {
            break;
        };
        if size == 0 {
            return (body, rest.ends_with(b"0\r\n\r\n"));
        }
        let data = &rest[end + 2..];
        body.extend_from_slice(&data[..size.min(data.len())]);
        rest = data.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}
