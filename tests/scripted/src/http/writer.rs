//! Carries out an [`Answer`] on a connection.

use std::io;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Answer, Body, HeadFault, Step};
use crate::seen::Outcome;

/// How long a stall lasts when nobody hangs up.
const STALL: Duration = Duration::from_mins(15);

/// Sends the answer. Anything but [`Outcome::Sent`] ends the connection.
pub async fn send(stream: &mut TcpStream, answer: &Answer, with_body: bool) -> io::Result<Outcome> {
    if !answer.delay.is_zero() && wait(stream, answer.delay).await? {
        return Ok(Outcome::ClientGone);
    }
    match answer.head_fault {
        HeadFault::None => {}
        HeadFault::Stall => return stall(stream).await,
        HeadFault::Reset => return reset(stream),
        HeadFault::Cut => {
            let head = head(answer);
            stream.write_all(&head[..head.len() / 2]).await?;
            return Ok(Outcome::Broken);
        }
    }
    match &answer.body {
        Body::Full(body) => full(stream, answer, with_body.then_some(body)).await,
        Body::Stream(_) | Body::Sized(_) if !with_body => full(stream, answer, None).await,
        Body::Stream(plan) => {
            stream.write_all(&head(answer)).await?;
            steps(stream, plan, true).await
        }
        Body::Sized(plan) => {
            stream.write_all(&head(answer)).await?;
            steps(stream, plan, false).await
        }
    }
}

async fn full(
    stream: &mut TcpStream,
    answer: &Answer,
    body: Option<&Bytes>,
) -> io::Result<Outcome> {
    let mut wire = head(answer);
    if let Some(body) = body {
        wire.put_slice(body);
    }
    stream.write_all(&wire).await?;
    Ok(Outcome::Sent)
}

async fn steps(stream: &mut TcpStream, plan: &[Step], chunked: bool) -> io::Result<Outcome> {
    for step in plan {
        match step {
            Step::Send(bytes) if chunked => stream.write_all(&chunk(bytes)).await?,
            Step::Send(bytes) => stream.write_all(bytes).await?,
            Step::Wait(time) => {
                if wait(stream, *time).await? {
                    return Ok(Outcome::ClientGone);
                }
            }
            Step::Stall => return stall(stream).await,
            Step::Cut => return Ok(Outcome::Broken),
            Step::Reset => return reset(stream),
        }
    }
    if chunked {
        stream.write_all(b"0\r\n\r\n").await?;
    }
    Ok(Outcome::Sent)
}

fn chunk(bytes: &Bytes) -> BytesMut {
    let mut wire = BytesMut::with_capacity(bytes.len() + 16);
    wire.put_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
    wire.put_slice(bytes);
    wire.put_slice(b"\r\n");
    wire
}

fn head(answer: &Answer) -> BytesMut {
    let mut head = BytesMut::with_capacity(1024);
    head.put_slice(format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status)).as_bytes());
    for (name, value) in &answer.headers {
        head.put_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    head.put_slice(framing(&answer.body).as_bytes());
    head.put_slice(b"\r\n\r\n");
    head
}

fn framing(body: &Body) -> String {
    match body {
        Body::Full(body) => format!("content-length: {}", body.len()),
        Body::Stream(_) => "transfer-encoding: chunked".to_owned(),
        Body::Sized(plan) => {
            let sent = plan.iter().map(|s| if let Step::Send(b) = s { b.len() } else { 0 });
            // A body that is cut had more to come.
            let rest = usize::from(plan.iter().any(|s| matches!(s, Step::Cut | Step::Reset)));
            format!("content-length: {}", sent.sum::<usize>() + rest * 100)
        }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Payload Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        529 => "Overloaded",
        _ => "Status",
    }
}

async fn stall(stream: &TcpStream) -> io::Result<Outcome> {
    Ok(if wait(stream, STALL).await? { Outcome::ClientGone } else { Outcome::Broken })
}

/// Waits; true when the client has hung up meanwhile.
async fn wait(stream: &TcpStream, time: Duration) -> io::Result<bool> {
    let end = Instant::now() + time;
    match timeout_at(end, stream.peek(&mut [0])).await {
        Err(_elapsed) => Ok(false),
        Ok(Ok(0)) => Ok(true),
        Ok(Ok(_pipelined)) => {
            sleep_until(end).await;
            Ok(false)
        }
        Ok(Err(error)) => Err(error),
    }
}

fn reset(stream: &TcpStream) -> io::Result<Outcome> {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
    Ok(Outcome::Broken)
}
