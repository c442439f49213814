//! A request to the upstream and its answer, whatever the protocol's version.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::http::{
    Method, StatusCode,
    header::{HeaderName, HeaderValue},
};
use bytes::Bytes;
use futures::Stream;

use super::{error::UpstreamError, http1, http2};

/// Header fields in order, duplicates kept.
pub type Fields = Vec<(HeaderName, HeaderValue)>;

/// The request's body as it comes from the client. An error ends the call with
/// [`UpstreamError::Body`].
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, UpstreamError>>>>;

/// How the request's body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// The client sent no body and no length.
    Absent,
    Sized(u64),
    /// Unknown until it ends.
    Chunked,
}

/// One request.
pub struct Request {
    pub method: Method,
    /// Path and query, with the target's prefix.
    pub path: String,
    /// Without `Host` and without framing fields, which the protocols write themselves.
    pub fields: Fields,
    pub length: BodyLength,
    pub body: BodyStream,
}

/// One answer, its body still to come.
pub struct Response {
    pub status: StatusCode,
    pub fields: Fields,
    pub body: Body,
}

/// An answer's body.
pub enum Body {
    Http1(Box<http1::Http1Body>),
    Http2(http2::Http2Body),
}

impl Body {
    /// The next bytes as they came; an error when the answer broke off.
    pub fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        match self {
            Self::Http1(body) => body.poll_chunk(cx),
            Self::Http2(body) => body.poll_chunk(cx),
        }
    }

    /// True when it is certain that no byte follows.
    pub fn is_complete(&self) -> bool {
        match self {
            Self::Http1(body) => body.is_complete(),
            Self::Http2(body) => body.is_complete(),
        }
    }
}
