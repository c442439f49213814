//! Recordings out of the store, with their content codings undone.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use nexus_contract::{ExchangeId, Headers};
use nexus_messages::decode;
use nexus_store::{
    ExchangeStore, Result,
    exchanges::{Payload, Recorded},
};

use crate::recordings::{Half, Recording, Recordings};

/// Bytes that one body may decode to.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// Reads what the storage role wrote.
pub struct StoredRecordings(Arc<dyn ExchangeStore>);

impl StoredRecordings {
    pub fn new(store: Arc<dyn ExchangeStore>) -> Self {
        Self(store)
    }
}

#[async_trait]
impl Recordings for StoredRecordings {
    async fn list_recordings(&self, ids: &[ExchangeId]) -> Result<Vec<(ExchangeId, Recording)>> {
        let found = self.0.list_payloads(ids).await?;
        let read = |one: Recorded| (one.id, recording(one.method, one.path, one.payload));
        Ok(found.into_iter().map(read).collect())
    }

    async fn find_body(&self, id: ExchangeId, half: Half) -> Result<Option<Bytes>> {
        let Some(payload) = self.0.find_payload(id).await? else { return Ok(None) };
        let (headers, body) = match half {
            Half::Request => (payload.request_headers, payload.request_body),
            Half::Response => (payload.response_headers, payload.response_body),
        };
        // Headers are stored with every half, and only with it.
        Ok(headers.map(|headers| decoded(&headers, body)))
    }
}

fn recording(method: Option<String>, path: Option<String>, payload: Payload) -> Recording {
    let request_headers = payload.request_headers.unwrap_or_default();
    let response_headers = payload.response_headers.unwrap_or_default();
    Recording {
        method: method.unwrap_or_default(),
        path: path.unwrap_or_default(),
        request: decoded(&request_headers, payload.request_body),
        response: decoded(&response_headers, payload.response_body),
        request_headers,
        response_headers,
    }
}

/// As far as it can be read.
fn decoded(headers: &Headers, body: Option<Bytes>) -> Bytes {
    let body = body.unwrap_or_default();
    let encoding = headers.get("content-encoding");
    match decode::decode(encoding, &body, MAX_BODY).bytes {
        std::borrow::Cow::Borrowed(plain) => body.slice_ref(plain),
        std::borrow::Cow::Owned(decoded) => decoded.into(),
    }
}
