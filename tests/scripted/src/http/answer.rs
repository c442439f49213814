//! What a stand-in answers, as a plan that the connection carries out.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

/// A status, headers, a body, and what goes wrong on the way.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
    /// How long the head is held back.
    pub delay: Duration,
    pub head_fault: HeadFault,
}

/// The body, whole or in steps.
#[derive(Debug, Clone)]
pub enum Body {
    /// Sent with `content-length`.
    Full(Bytes),
    /// Sent chunked, each [`Step::Send`] as one chunk and one write.
    Stream(Vec<Step>),
    /// Sent with `content-length` of all that the steps send, each as one write.
    Sized(Vec<Step>),
}

/// One thing that happens while a body is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Send(Bytes),
    Wait(Duration),
    /// Nothing more, until the other side goes away.
    Stall,
    /// The connection ends without the body's end.
    Cut,
    /// The same, with a TCP reset.
    Reset,
}

/// What happens instead of a whole head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HeadFault {
    #[default]
    None,
    /// The connection ends after half of the head.
    Cut,
    /// The connection ends before the head, with a TCP reset.
    Reset,
    /// Nothing, until the other side goes away.
    Stall,
}

impl Answer {
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Full(Bytes::new()),
            delay: Duration::ZERO,
            head_fault: HeadFault::None,
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status).header("content-type", "application/json").body(body.to_string())
    }

    pub fn text(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status).header("content-type", "text/plain; charset=utf-8").body(body)
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Body::Full(body.into());
        self
    }

    #[must_use]
    pub fn stream(mut self, steps: Vec<Step>) -> Self {
        self.body = Body::Stream(steps);
        self
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
