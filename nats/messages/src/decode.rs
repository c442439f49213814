//! Content codings: a consumer's own copy of a body, decoded.
//!
//! Bodies are recorded as they were on the wire. What can be decoded is decoded: a body that was
//! cut short, is corrupt or grows beyond the limit gives its readable beginning and a [`Fault`].

mod stage;

use std::borrow::Cow;

use self::stage::Stage;

/// Codings that one body may have on top of each other; more is an attack, not a client.
const MAX_CODINGS: usize = 4;

/// What a body decodes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The decoded bytes, as far as they could be read.
    pub bytes: Cow<'a, [u8]>,
    /// Why `bytes` is not the whole body.
    pub fault: Option<Fault>,
}

/// Why a body is not decoded to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The header names a coding that is not known here.
    #[error("the content coding is unknown")]
    UnknownCoding,
    /// The bytes end before the coding's end.
    #[error("the encoded body ends too early")]
    Truncated,
    /// The bytes are not of the named coding.
    #[error("the encoded body is corrupt")]
    Corrupt,
    /// The body grows beyond the limit.
    #[error("the decoded body is larger than the limit")]
    TooLarge,
}

/// Decodes a whole body under its `content-encoding` to at most `limit` bytes.
///
/// `None`, an empty value and `identity` leave the bytes as they are. A body whose coding is
/// unknown gives no bytes.
pub fn decode<'a>(content_encoding: Option<&str>, body: &'a [u8], limit: usize) -> Decoded<'a> {
    let mut decoder = Decoder::new(content_encoding, limit);
    if decoder.is_identity() {
        let fault = (body.len() > limit).then_some(Fault::TooLarge);
        return Decoded { bytes: Cow::Borrowed(&body[..body.len().min(limit)]), fault };
    }
    let mut bytes = decoder.push(body);
    bytes.append(&mut decoder.finish());
    Decoded { bytes: Cow::Owned(bytes), fault: decoder.fault }
}

/// Decodes a body that comes in chunks.
#[derive(Debug)]
pub struct Decoder {
    /// In the order in which they are taken off.
    stages: Vec<Stage>,
    left: usize,
    fault: Option<Fault>,
}

impl Decoder {
    pub fn new(content_encoding: Option<&str>, limit: usize) -> Self {
        match stages(content_encoding, limit) {
            Some(stages) => Self { stages, left: limit, fault: None },
            None => Self { stages: Vec::new(), left: 0, fault: Some(Fault::UnknownCoding) },
        }
    }

    /// Takes the next bytes of the wire and gives what they decode to. After a fault, nothing.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        if self.fault.is_some() {
            return Vec::new();
        }
        let mut bytes = chunk.to_vec();
        for stage in &mut self.stages {
            let (out, fault) = stage.push(&bytes);
            bytes = out;
            self.fault = self.fault.take().or(fault);
        }
        self.within_limit(bytes)
    }

    /// The rest that was still inside the codings. Sets [`Fault::Truncated`] where they had not
    /// come to their end.
    pub fn finish(&mut self) -> Vec<u8> {
        if matches!(self.fault, Some(Fault::UnknownCoding | Fault::TooLarge)) {
            return Vec::new();
        }
        let mut bytes = Vec::new();
        for stage in &mut self.stages {
            let (mut out, fault) = stage.push(&bytes);
            let (mut rest, end) = stage.finish();
            out.append(&mut rest);
            bytes = out;
            self.fault = self.fault.take().or(fault).or(end);
        }
        self.within_limit(bytes)
    }

    /// Why decoding stopped, if it did.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    fn is_identity(&self) -> bool {
        self.stages.is_empty() && self.fault.is_none()
    }

    fn within_limit(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if bytes.len() > self.left {
            bytes.truncate(self.left);
            self.fault = Some(Fault::TooLarge);
        }
        self.left -= bytes.len();
        bytes
    }
}

fn stages(content_encoding: Option<&str>, limit: usize) -> Option<Vec<Stage>> {
    let named = content_encoding.unwrap_or_default().split(',').map(str::trim);
    let named: Vec<_> =
        named.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity")).collect();
    if named.len() > MAX_CODINGS {
        return None;
    }
    named.iter().rev().map(|name| Stage::of(name, limit)).collect()
}

#[cfg(test)]
mod tests;
