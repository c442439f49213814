//! An upstream that costs next to nothing, so that what is measured is the proxy.
//!
//! The request's path chooses the answer: `?answer=json` is 2 KB of JSON at once;
//! `?answer=sse&events=50&pause_ms=20` is a stream.

use std::time::Duration;

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::request::{content_length, query, split_head};

/// Bytes of the JSON answer's body.
const JSON_BYTES: usize = 2_000;

pub async fn serve(port: u16) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A connection that breaks ends here; the client notices by itself.
        tokio::spawn(async move { drop(connection(stream).await) });
    }
}

async fn connection(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = BytesMut::with_capacity(64 * 1024);
    let json = json_answer();
    loop {
        let Some(head) = read_request(&mut stream, &mut buffer).await? else { return Ok(()) };
        let path = head.split(' ').nth(1).unwrap_or("/");
        if query(path, "answer") == Some("sse") {
            let number = |name| query(path, name).and_then(|n| n.parse().ok()).unwrap_or(0u64);
            stream_answer(&mut stream, number("events"), Duration::from_millis(number("pause_ms")))
                .await?;
        } else {
            stream.write_all(&json).await?;
        }
    }
}

/// Reads one request to its end and gives its head; `None` when the client has gone.
async fn read_request(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
) -> std::io::Result<Option<String>> {
    let head = loop {
        if let Some(head) = split_head(buffer) {
            break head;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    if let Some(length) = content_length(&head) {
        skip(stream, buffer, length).await?;
    } else if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        skip_chunks(stream, buffer).await?;
    }
    Ok(Some(head))
}

async fn skip(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    mut length: usize,
) -> std::io::Result<()> {
    loop {
        let here = length.min(buffer.len());
        drop(buffer.split_to(here));
        length -= here;
        if length == 0 {
            return Ok(());
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn skip_chunks(stream: &mut TcpStream, buffer: &mut BytesMut) -> std::io::Result<()> {
    loop {
        let line = loop {
            if let Some(end) = buffer.windows(2).position(|pair| pair == b"\r\n") {
                break buffer.split_to(end + 2);
            }
            if stream.read_buf(buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        };
        let text = String::from_utf8_lossy(&line);
        let length = usize::from_str_radix(text.trim(), 16).unwrap_or(0);
        skip(stream, buffer, length + 2).await?;
        if length == 0 {
            return Ok(());
        }
    }
}

fn json_answer() -> Vec<u8> {
    let usage = r#""usage":{"input_tokens":12,"output_tokens":420}"#;
    let frame = format!(
        r#"{{"id":"msg_bench","type":"message","role":"assistant","model":"claude-opus-4-5","content":[{{"type":"text","text":""}}],"stop_reason":"end_turn",{usage}}}"#
    );
    let text = "x".repeat(JSON_BYTES.saturating_sub(frame.len()));
    let body = frame.replace(r#""text":"""#, &format!(r#""text":"{text}""#));
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_bench\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// An event's name and its data.
type Part = (&'static str, &'static str);

const BEGIN: [Part; 2] = [
    (
        "message_start",
        r#"{"type":"message_start","message":{"id":"msg_bench","type":"message","role":"assistant","model":"claude-opus-4-5","content":[],"usage":{"input_tokens":12,"output_tokens":1}}}"#,
    ),
    (
        "content_block_start",
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
    ),
];
const DELTA: Part = (
    "content_block_delta",
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"some words of an answer "}}"#,
);
const END: [Part; 3] = [
    ("content_block_stop", r#"{"type":"content_block_stop","index":0}"#),
    (
        "message_delta",
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":420}}"#,
    ),
    ("message_stop", r#"{"type":"message_stop"}"#),
];

/// A whole answer with so many deltas.
pub fn events(deltas: u64) -> String {
    parts(deltas).map(event).collect()
}

fn parts(deltas: u64) -> impl Iterator<Item = Part> {
    let middle = (0..deltas).map(|_| DELTA);
    BEGIN.into_iter().chain(middle).chain(END)
}

fn event((name, data): Part) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

async fn stream_answer(
    stream: &mut TcpStream,
    deltas: u64,
    pause: Duration,
) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    for part in parts(deltas) {
        if part == DELTA && !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let event = event(part);
        let chunk = format!("{:x}\r\n{event}\r\n", event.len());
        stream.write_all(chunk.as_bytes()).await?;
    }
    stream.write_all(b"0\r\n\r\n").await
}
