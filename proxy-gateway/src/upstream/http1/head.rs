//! The head of an answer, and what it says about the body.

use std::mem::MaybeUninit;

use actix_web::http::{
    Method, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use bytes::{Bytes, BytesMut};

use super::{body::Framing, chunked::Chunked};
use crate::upstream::{error::UpstreamError, message::Fields};

/// Bytes of a head that are read at most.
pub const MAX_HEAD: usize = 256 * 1024;

const MAX_FIELDS: usize = 256;

pub struct Head {
    pub status: StatusCode,
    pub fields: Fields,
    pub keep_alive: bool,
}

impl Head {
    /// Takes a whole head off the front of `read`, if one is there.
    pub fn take(read: &mut BytesMut) -> Result<Option<Self>, UpstreamError> {
        let mut slots = [MaybeUninit::uninit(); MAX_FIELDS];
        let mut parsed = httparse::Response::new(&mut []);
        let mut config = httparse::ParserConfig::default();
        config.allow_spaces_after_header_name_in_responses(true);
        let outcome = config.parse_response_with_uninit_headers(&mut parsed, read, &mut slots);
        let length = match outcome {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_detail) => return Err(UpstreamError::Malformed("its head is not valid HTTP")),
        };
        let status = status(parsed.code)?;
        let is_http11 = parsed.version == Some(1);
        let spans: Vec<_> = parsed
            .headers
            .iter()
            .map(|field| (HeaderName::from_bytes(field.name.as_bytes()), span(read, field.value)))
            .collect();
        let bytes = read.split_to(length).freeze();
        let fields = spans
            .into_iter()
            .map(|(name, span)| field(name, bytes.slice(span)))
            .collect::<Result<Fields, _>>()?;
        let keep_alive = is_http11 && !tokens(&fields, &header::CONNECTION).any(|t| t == "close");
        Ok(Some(Self { status, fields, keep_alive }))
    }

    /// How the body of an answer to `method` ends (RFC 9112 §6.3).
    pub fn framing(&self, method: &Method) -> Result<Framing, UpstreamError> {
        let never = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&self.status);
        if never || method == Method::HEAD {
            return Ok(Framing::Length(0));
        }
        if self.fields.iter().any(|(name, _)| name == header::TRANSFER_ENCODING) {
            let is_chunked = tokens(&self.fields, &header::TRANSFER_ENCODING).last().as_deref()
                == Some("chunked");
            return Ok(if is_chunked {
                Framing::Chunked(Chunked::default())
            } else {
                Framing::UntilClose
            });
        }
        Ok(content_length(&self.fields)?.map_or(Framing::UntilClose, Framing::Length))
    }
}

fn status(code: Option<u16>) -> Result<StatusCode, UpstreamError> {
    let status = code.and_then(|code| StatusCode::from_u16(code).ok());
    match status {
        Some(StatusCode::SWITCHING_PROTOCOLS) | None => {
            Err(UpstreamError::Malformed("its status makes no sense here"))
        }
        Some(status) => Ok(status),
    }
}

/// Where `part` lies within `whole`.
fn span(whole: &[u8], part: &[u8]) -> std::ops::Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    start..start + part.len()
}

fn field<E>(
    name: Result<HeaderName, E>,
    value: Bytes,
) -> Result<(HeaderName, HeaderValue), UpstreamError> {
    let malformed = || UpstreamError::Malformed("one of its header fields is not valid");
    let name = name.map_err(|_detail| malformed())?;
    let value = HeaderValue::from_maybe_shared(value).map_err(|_detail| malformed())?;
    Ok((name, value))
}

/// The length that all `Content-Length` fields agree on.
fn content_length(fields: &Fields) -> Result<Option<u64>, UpstreamError> {
    let mut length = None;
    for token in tokens(fields, &header::CONTENT_LENGTH) {
        let is_number = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
        let value = token.parse::<u64>().ok().filter(|_| is_number);
        let value = value.ok_or(UpstreamError::Malformed("its length is not a number"))?;
        if length.is_some_and(|known| known != value) {
            return Err(UpstreamError::Malformed("it states two lengths"));
        }
        length = Some(value);
    }
    Ok(length)
}

fn tokens<'a>(fields: &'a Fields, wanted: &'a HeaderName) -> impl Iterator<Item = String> + 'a {
    fields
        .iter()
        .filter(move |(name, _)| name == wanted)
        .filter_map(|(_, value)| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|token| token.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(head: &str) -> Result<String, UpstreamError> {
        let mut read = BytesMut::from(head);
        let head = Head::take(&mut read)?.expect("a whole head");
        Ok(format!("{:?}", head.framing(&Method::POST)?))
    }

    #[test]
    fn the_body_ends_as_the_head_says() {
        let of = |fields: &str| framing(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n"));
        assert_eq!(of("content-length: 5\r\n").expect("valid"), "Length(5)");
        assert_eq!(of("content-length: 5, 5\r\n").expect("valid"), "Length(5)");
        assert!(
            of("transfer-encoding: chunked\r\ncontent-length: 5\r\n")
                .expect("valid")
                .starts_with("Chunked")
        );
        assert_eq!(of("transfer-encoding: gzip\r\n").expect("valid"), "UntilClose");
        assert_eq!(of("").expect("valid"), "UntilClose");
        assert!(of("content-length: 5\r\ncontent-length: 6\r\n").is_err());
        assert!(of("content-length: +5\r\n").is_err());
        assert_eq!(framing("HTTP/1.1 204 No\r\n\r\n").expect("valid"), "Length(0)");
    }

    #[test]
    fn a_head_in_parts_is_waited_for() {
        let mut read = BytesMut::from("HTTP/1.1 200 OK\r\nretry-after: 1");
        assert!(Head::take(&mut read).expect("no error yet").is_none());
        read.extend_from_slice(b"0\r\n\r\nrest");
        let head = Head::take(&mut read).expect("valid").expect("whole");
        assert_eq!(head.fields[0].1, "10");
        assert_eq!(&read[..], b"rest");
    }
}
