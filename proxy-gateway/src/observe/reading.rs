//! An exchange that ended, read: on the observer's thread, from its copy.

use std::borrow::Cow;

use bytes::Bytes;
use nexus_messages::{
    answer::Answer,
    decode::decode,
    identity::{Identity, RequestClass},
    kind::RequestType,
    request::Request,
};

use super::report::Report;

/// Decoded bytes that are read at most.
const LIMIT: usize = 64 << 20;

/// The bodies of a report, joined and decoded.
pub struct Bodies {
    pub request: Bytes,
    pub answer: Bytes,
}

/// What the bodies say.
pub struct Reading<'a> {
    pub report: &'a Report,
    /// `None` when the body is no request that can be read.
    pub request: Option<Request<'a>>,
    pub identity: Identity,
    pub kind: RequestType,
    pub answer: Answer,
}

impl Bodies {
    pub fn of(report: &Report) -> Self {
        let coding = |headers: &nexus_contract::Headers| {
            headers.get("content-encoding").map(ToOwned::to_owned)
        };
        Self {
            request: plain(coding(&report.request_headers).as_deref(), joined(&report.request)),
            answer: plain(coding(&report.outcome.headers).as_deref(), joined(&report.answer)),
        }
    }
}

fn joined(chunks: &[Bytes]) -> Bytes {
    match chunks {
        [whole] => whole.clone(),
        parts => parts.concat().into(),
    }
}

fn plain(coding: Option<&str>, body: Bytes) -> Bytes {
    match decode(coding, &body, LIMIT).bytes {
        Cow::Borrowed(_) => body,
        Cow::Owned(plain) => plain.into(),
    }
}

impl<'a> Reading<'a> {
    pub fn of(report: &'a Report, bodies: &'a Bodies) -> Self {
        let request = Request::parse(&bodies.request).ok();
        let headers = &report.request_headers;
        let mut identity =
            request.as_ref().map(|request| Identity::read(headers, request)).unwrap_or_default();
        let named = headers.get("x-claude-code-request-class").and_then(RequestClass::parse);
        identity.class = identity.class.or(named);
        let kind = RequestType::of(identity.class, request.as_ref().unwrap_or(&Request::default()));
        let answer = Answer::read(report.outcome.headers.get("content-type"), &bodies.answer);
        Self { report, request, identity, kind, answer }
    }

    /// A person's own turn, or an agent's: no title, no sub-agent.
    pub fn is_inference(&self) -> bool {
        let is_main = !matches!(
            self.identity.class,
            Some(RequestClass::Subagent | RequestClass::Auxiliary | RequestClass::Compaction)
        );
        self.kind == RequestType::Inference && is_main && self.identity.agent_id.is_none()
    }

    /// What tells conversations apart, as far as the client says.
    pub fn session(&self) -> String {
        let session = self.identity.session_id.as_deref().unwrap_or_default();
        format!("{} {session}", self.report.domain)
    }

    pub fn model(&self) -> String {
        let asked = self.request.as_ref().and_then(|request| request.model.as_deref());
        self.answer.model().or(asked).unwrap_or("unknown model").to_owned()
    }
}
