//! From frames to events.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use nexus_contract::{
    Body, Envelope, Event, Headers, Payload, RequestReceived, ResponseFinished, TerminalState,
};
use serde::de::DeserializeOwned;

use crate::{
    error::JournalError,
    frame::{FrameKind, HEADER, Side},
    record::{RequestHead, ResponseHead, Tombstone},
    segment,
    table::{Place, Ready},
};

/// An event put together from its frames.
#[derive(Debug)]
pub struct Assembled {
    /// `None` when the frames that name the exchange can't be read.
    pub event: Option<Event>,
    /// Frames whose bytes are damaged.
    pub damaged: u64,
    /// The process that wrote it was gone before the end.
    pub aborted: bool,
}

/// Puts events of one instance's folder together. Reads files and compresses: not for an I/O thread.
pub struct Assembler<'a> {
    dir: &'a Path,
    gateway: &'a str,
    open: &'a mut OpenSegment,
    damaged: u64,
}

/// The segment that was read last, open: the next event mostly stands in it as well.
pub(crate) type OpenSegment = Option<(u64, File)>;

/// A side's body and what stood around it.
#[derive(Default)]
struct Parts {
    body: Vec<u8>,
    complete: bool,
    response: Option<ResponseHead>,
    outcome: Option<ResponseFinished>,
}

impl<'a> Assembler<'a> {
    pub(crate) fn new(dir: &'a Path, gateway: &'a str, open: &'a mut OpenSegment) -> Self {
        Self { dir, gateway, open, damaged: 0 }
    }

    /// Reads the frames of `ready` and makes its event.
    pub fn assemble(mut self, ready: &Ready) -> Result<Assembled, JournalError> {
        let at = JournalError::at(self.dir);
        let (tombstone, head, parts) = self.read(ready).map_err(at)?;
        let damaged = self.damaged + u64::from(ready.gap);
        let aborted =
            ready.side == Side::Response && parts.outcome.is_none() && tombstone.is_none();
        let Some(head) = head.or_else(|| tombstone.as_ref().map(|stone| stone.head.clone())) else {
            return Ok(Assembled { event: None, damaged, aborted: false });
        };
        let body = Body::new(&parts.body)?;
        let is_damaged = damaged > 0;
        let event = match ready.side {
            Side::Request => self.request(head, parts.complete && !is_damaged, body),
            Side::Response => {
                let outcome = outcome(&head, parts, tombstone, ready.last_micros, is_damaged);
                self.response(head, outcome, body)
            }
        };
        Ok(Assembled { event: Some(event), damaged, aborted })
    }

    fn read(
        &mut self,
        ready: &Ready,
    ) -> io::Result<(Option<Tombstone>, Option<RequestHead>, Parts)> {
        let tombstone = match ready.tombstone {
            Some(place) => self.json(&place)?,
            None => None,
        };
        let head = match ready.head {
            Some(place) => self.json(&place)?,
            None => None,
        };
        Ok((tombstone, head, self.parts(&ready.frames)?))
    }

    fn parts(&mut self, frames: &[Place]) -> io::Result<Parts> {
        let mut parts = Parts { body: Vec::with_capacity(body_len(frames)), ..Parts::default() };
        let mut broken = false;
        for place in frames {
            match place.header.kind {
                FrameKind::RequestChunk | FrameKind::ResponseChunk if broken => {}
                FrameKind::RequestChunk | FrameKind::ResponseChunk => {
                    // What follows a hole is no part of the body any more.
                    broken = !self.append(place, &mut parts.body)?;
                }
                FrameKind::RequestEnd => {
                    parts.complete = self.payload(place)?.is_some_and(|bytes| bytes == [1][..]);
                }
                FrameKind::ResponseHead => parts.response = self.json(place)?.or(parts.response),
                FrameKind::Finish => parts.outcome = self.json(place)?,
                FrameKind::RequestHead | FrameKind::Tombstone | FrameKind::RequestShipped => {}
            }
        }
        Ok(parts)
    }

    fn json<T: DeserializeOwned>(&mut self, place: &Place) -> io::Result<Option<T>> {
        let Some(bytes) = self.payload(place)? else { return Ok(None) };
        Ok(serde_json::from_slice(&bytes).inspect_err(|_| self.damaged += 1).ok())
    }

    /// The payload when its bytes are whole.
    pub(crate) fn payload(&mut self, place: &Place) -> io::Result<Option<Bytes>> {
        let mut bytes = Vec::new();
        let is_whole = self.append(place, &mut bytes)?;
        Ok(is_whole.then(|| bytes.into()))
    }

    /// Adds the payload to `bytes`; false, and nothing is added, when its bytes are damaged.
    fn append(&mut self, place: &Place, bytes: &mut Vec<u8>) -> io::Result<bool> {
        let start = bytes.len();
        bytes.resize(start + place.header.len as usize, 0);
        self.read_at(place, &mut bytes[start..])?;
        let is_whole = crc32c::crc32c(&bytes[start..]) == place.header.payload_crc;
        if !is_whole {
            bytes.truncate(start);
            self.damaged += 1;
        }
        Ok(is_whole)
    }

    fn read_at(&mut self, place: &Place, payload: &mut [u8]) -> io::Result<()> {
        let open = self.open.take().filter(|(segment, _)| *segment == place.segment);
        let (_, file) = self.open.insert(match open {
            Some(open) => open,
            None => (place.segment, File::open(segment::path(self.dir, place.segment))?),
        });
        file.read_exact_at(payload, place.offset + HEADER as u64)
    }

    fn request(&self, head: RequestHead, complete: bool, body: Body) -> Event {
        let at = head.at;
        let payload = Payload::RequestReceived(RequestReceived {
            method: head.method.clone(),
            path: head.path.clone(),
            headers: head.headers.clone(),
            client_fingerprint: head.client_fingerprint.clone(),
            external_id: None,
            complete,
        });
        self.event(head, at, payload, body)
    }

    fn response(&self, head: RequestHead, outcome: ResponseFinished, body: Body) -> Event {
        let millis = i64::try_from(outcome.duration_ms).unwrap_or(i64::MAX);
        let after = SignedDuration::from_millis(millis);
        let at = outcome.started_at.checked_add(after).unwrap_or(outcome.started_at);
        self.event(head, at, Payload::ResponseFinished(outcome), body)
    }

    fn event(&self, head: RequestHead, at: Timestamp, payload: Payload, body: Body) -> Event {
        let envelope = Envelope {
            id: head.id,
            at,
            gateway: self.gateway.to_owned(),
            domain: head.domain,
            account_id: head.account_id,
            payload,
        };
        Event { envelope, body: Some(body) }
    }
}

/// Bytes of the body that the frames hold.
fn body_len(frames: &[Place]) -> usize {
    let is_chunk =
        |kind: FrameKind| matches!(kind, FrameKind::RequestChunk | FrameKind::ResponseChunk);
    let chunks = frames.iter().filter(|place| is_chunk(place.header.kind));
    chunks.map(|place| place.header.len as usize).sum()
}

fn outcome(
    head: &RequestHead,
    parts: Parts,
    tombstone: Option<Tombstone>,
    last_micros: u64,
    is_damaged: bool,
) -> ResponseFinished {
    if let Some(stone) = tombstone {
        return remark(stone.outcome, &format!("not fully captured: {}", stone.reason));
    }
    let outcome = match parts.outcome {
        Some(outcome) => outcome,
        None => aborted(head, parts.response, last_micros),
    };
    if is_damaged {
        remark(outcome, "the journal's copy of the answer is damaged")
    } else {
        outcome
    }
}

fn remark(mut outcome: ResponseFinished, text: &str) -> ResponseFinished {
    outcome.error = Some(match outcome.error {
        Some(error) => format!("{error}; {text}"),
        None => text.to_owned(),
    });
    outcome
}

/// What is known of an exchange whose process died before its end.
fn aborted(
    head: &RequestHead,
    response: Option<ResponseHead>,
    last_micros: u64,
) -> ResponseFinished {
    let started = u64::try_from(head.at.as_microsecond()).unwrap_or(0);
    ResponseFinished {
        state: TerminalState::Aborted,
        status: response.as_ref().map(|response| response.status),
        headers: response
            .as_ref()
            .map_or_else(Headers::default, |response| response.headers.clone()),
        started_at: head.at,
        first_byte_ms: response.as_ref().and_then(|response| response.first_byte_ms),
        duration_ms: last_micros.saturating_sub(started) / 1_000,
        upstream_ms: None,
        upstream_calls: response.map_or(0, |response| response.upstream_calls),
        usage: None,
        error: Some("the gateway stopped before the end of the exchange".to_owned()),
    }
}
