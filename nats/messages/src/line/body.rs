//! A body's bytes in and out of a line.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::value::RawValue;

use super::{LineError, RequestLine, ResponseLine};

impl RequestLine {
    pub(super) fn bytes(&self) -> Result<Vec<u8>, LineError> {
        bytes(self.body.as_deref(), None, self.body_base64.as_deref())
    }

    /// Takes `raw` in the form that keeps its bytes and reads best.
    pub fn set_body(&mut self, raw: &[u8]) -> Result<(), LineError> {
        match std::str::from_utf8(raw) {
            Ok(text) => self.body = as_json(text)?,
            Err(_binary) => self.body_base64 = Some(STANDARD.encode(raw)),
        }
        Ok(())
    }
}

impl ResponseLine {
    pub(super) fn bytes(&self) -> Result<Vec<u8>, LineError> {
        bytes(self.body.as_deref(), self.sse.as_deref(), self.body_base64.as_deref())
    }

    /// Takes `raw` in the form that keeps its bytes and reads best.
    pub fn set_body(&mut self, raw: &[u8]) -> Result<(), LineError> {
        let headers = self.headers.to_headers();
        let streamed =
            headers.get("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
        match std::str::from_utf8(raw) {
            Ok(text) if streamed => self.sse = Some(text.to_owned()),
            Ok(text) => self.body = as_json(text)?,
            Err(_binary) => self.body_base64 = Some(STANDARD.encode(raw)),
        }
        Ok(())
    }
}

fn bytes(
    body: Option<&RawValue>,
    sse: Option<&str>,
    base64: Option<&str>,
) -> Result<Vec<u8>, LineError> {
    match (body, sse, base64) {
        (None, None, None) => Ok(Vec::new()),
        (Some(body), None, None) => Ok(match body.get() {
            text if text.starts_with('"') => serde_json::from_str::<String>(text)?.into_bytes(),
            json => json.as_bytes().to_vec(),
        }),
        (None, Some(sse), None) => Ok(sse.as_bytes().to_vec()),
        (None, None, Some(base64)) => {
            STANDARD.decode(base64).map_err(|_detail| LineError::Base64("bodyBase64"))
        }
        _ => Err(LineError::TwoBodies),
    }
}

/// `text` itself where it is one line of JSON and would be read back as that, else a JSON string.
fn as_json(text: &str) -> Result<Option<Box<RawValue>>, LineError> {
    if text.is_empty() {
        return Ok(None);
    }
    let verbatim = text.starts_with(['{', '[']) && !text.contains(['\n', '\r']);
    if verbatim && let Ok(raw) = RawValue::from_string(text.to_owned()) {
        // White space around the value would be lost.
        if raw.get().len() == text.len() {
            return Ok(Some(raw));
        }
    }
    Ok(Some(serde_json::value::to_raw_value(text)?))
}
