//! Reads one answer off a connection, and when its parts came.

use std::time::Instant;

use anyhow::{Context, ensure};
use bytes::{Buf, BytesMut};
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::request::{content_length, split_head};

/// What was seen of one answer.
#[derive(Debug, Default)]
pub struct Seen {
    pub head: String,
    /// When the first byte of the body came.
    pub first_byte: Option<Instant>,
    /// When each further read of the body returned.
    pub chunks: Vec<Instant>,
}

/// Reads to the answer's end. Anything but a complete 200 is an error.
pub async fn read(stream: &mut TcpStream, buffer: &mut BytesMut) -> anyhow::Result<Seen> {
    let head = loop {
        if let Some(head) = split_head(buffer) {
            break head;
        }
        ensure!(stream.read_buf(buffer).await? > 0, "the connection ended before the answer");
    };
    ensure!(head.starts_with("HTTP/1.1 200"), "answered {}", head.lines().next().unwrap_or(""));
    let length = content_length(&head);
    let mut seen = Seen { head, ..Seen::default() };
    match length {
        Some(length) => read_length(stream, buffer, length, &mut seen).await?,
        None => read_chunks(stream, buffer, &mut seen).await?,
    }
    Ok(seen)
}

async fn read_length(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    length: usize,
    seen: &mut Seen,
) -> anyhow::Result<()> {
    while buffer.len() < length {
        more(stream, buffer, seen).await?;
    }
    seen.first_byte.get_or_insert_with(Instant::now);
    buffer.advance(length);
    Ok(())
}

async fn read_chunks(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    seen: &mut Seen,
) -> anyhow::Result<()> {
    loop {
        let end = loop {
            if let Some(end) = buffer.windows(2).position(|pair| pair == b"\r\n") {
                break end;
            }
            more(stream, buffer, seen).await?;
        };
        let size = std::str::from_utf8(&buffer[..end])?;
        let size = usize::from_str_radix(size.trim(), 16).context("a chunk's size")?;
        while buffer.len() < end + 2 + size + 2 {
            more(stream, buffer, seen).await?;
        }
        seen.first_byte.get_or_insert_with(Instant::now);
        buffer.advance(end + 2 + size + 2);
        if size == 0 {
            return Ok(());
        }
    }
}

async fn more(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    seen: &mut Seen,
) -> anyhow::Result<()> {
    ensure!(stream.read_buf(buffer).await? > 0, "the answer was cut");
    let now = Instant::now();
    seen.first_byte.get_or_insert(now);
    seen.chunks.push(now);
    Ok(())
}
