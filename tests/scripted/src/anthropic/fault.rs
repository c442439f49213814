//! What goes wrong on the way, as the modifiers of a turn ask.

use std::time::Duration;

use bytes::Bytes;

use super::error::ApiError;
use super::sse::{self, Wire};
use crate::http::{Answer, Body, Coding, HeadFault, Step, encode};
use crate::script::{Directive, Turn};

/// How far a fault lets the answer come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Before the head is whole.
    Head,
    /// Right after the head.
    Start,
    /// After so many events (streams) or pieces.
    Event(usize),
    /// In the middle of an event's line.
    Line,
    /// In the middle of a character of several bytes.
    Utf8,
    /// Before the last event (streams), after `message_delta`.
    Delta,
}

impl Point {
    fn of(directive: &Directive) -> Self {
        match directive.arg("at") {
            Some("head") => Self::Head,
            Some("start") => Self::Start,
            Some("utf8") => Self::Utf8,
            Some("delta") => Self::Delta,
            Some(at) => at.parse().map_or(Self::Line, Self::Event),
            None => Self::Line,
        }
    }
}

/// The parts of a body, with faults, as a body for the wire.
pub fn plan(
    mut answer: Answer,
    turn: &Turn,
    mut parts: Vec<Bytes>,
    stream: bool,
    wire: Wire,
) -> Answer {
    if let Some(error) = turn.modifier("error") {
        parts.truncate(usize::try_from(error.number("at").unwrap_or(3)).unwrap_or(3));
        parts.push(sse::frame(&in_stream(error).event(), wire));
    }
    let mut end = None;
    for (name, step, head) in [
        ("cut", Step::Cut, HeadFault::Cut),
        ("reset", Step::Reset, HeadFault::Reset),
        ("stall", Step::Stall, HeadFault::Stall),
    ] {
        let Some(directive) = turn.modifier(name) else { continue };
        let point = Point::of(directive);
        if point == Point::Head {
            answer.head_fault = head;
        } else {
            parts = until(&parts, point);
            end = Some(step);
        }
    }
    if let Some(coding) =
        turn.modifier("encode").and_then(Directive::word).and_then(Coding::from_token)
    {
        parts = encoded(coding, &parts, end.is_some());
        answer = answer.header("content-encoding", coding.token());
    }
    if let Some(size) = turn.modifier("wire").and_then(|directive| directive.number("split")) {
        parts = split(&parts, usize::try_from(size).unwrap_or(1).max(1));
    }
    answer.body = body(turn, parts, end, stream);
    answer
}

fn in_stream(directive: &Directive) -> ApiError {
    let kind = directive.arg("type").unwrap_or("overloaded_error");
    ApiError::new(200, kind, directive.arg("message").unwrap_or("Overloaded"))
}

/// The parts up to a point.
fn until(parts: &[Bytes], point: Point) -> Vec<Bytes> {
    match point {
        Point::Head | Point::Start => Vec::new(),
        Point::Event(count) => parts[..count.min(parts.len())].to_vec(),
        Point::Delta => parts[..parts.len().saturating_sub(1)].to_vec(),
        Point::Utf8 => in_character(parts).unwrap_or_else(|| until(parts, Point::Line)),
        Point::Line => {
            let mut kept = parts[..parts.len().div_ceil(2)].to_vec();
            if let Some(last) = kept.last_mut() {
                last.truncate(last.len() / 2);
            }
            kept
        }
    }
}

/// Up to the first byte of the first character that has more than one.
fn in_character(parts: &[Bytes]) -> Option<Vec<Bytes>> {
    let first = parts.iter().position(|part| !part.is_ascii())?;
    let mut kept = parts[..=first].to_vec();
    let last = kept.last_mut()?;
    last.truncate(last.iter().position(|byte| !byte.is_ascii())? + 1);
    Some(kept)
}

/// Encoded parts; when the answer breaks off, the last one is broken as well.
fn encoded(coding: Coding, parts: &[Bytes], broken: bool) -> Vec<Bytes> {
    let mut encoded = encode(coding, parts).unwrap_or_default();
    if broken {
        encoded.pop();
        if let Some(last) = encoded.last_mut() {
            last.truncate(last.len() / 2);
        }
    }
    encoded
}

fn split(parts: &[Bytes], size: usize) -> Vec<Bytes> {
    let whole = Bytes::from(parts.concat());
    (0..whole.len())
        .step_by(size)
        .map(|from| whole.slice(from..whole.len().min(from + size)))
        .collect()
}

fn body(turn: &Turn, parts: Vec<Bytes>, end: Option<Step>, stream: bool) -> Body {
    let pause =
        turn.modifier("slow").map(|slow| Duration::from_millis(slow.number("ms").unwrap_or(20)));
    if !stream && end.is_none() && pause.is_none() {
        return Body::Full(Bytes::from(parts.concat()));
    }
    let mut steps = Vec::with_capacity(parts.len() * 2 + 1);
    for part in parts {
        steps.push(Step::Send(part));
        steps.extend(pause.map(Step::Wait));
    }
    steps.extend(end);
    if stream { Body::Stream(steps) } else { Body::Sized(steps) }
}
