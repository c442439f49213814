//! From the store's errors, and ids in paths, to the API's answers.

use actix_web::HttpResponse;
use nexus_contract::ExchangeId;
use nexus_store::StoreError;
use serde::Serialize;
use serde_json::Value;

use crate::error::PageError;

pub type Answer = Result<HttpResponse, PageError>;

#[expect(clippy::unnecessary_wraps, reason = "the end of every handler")]
pub fn json(value: &impl Serialize) -> Answer {
    Ok(HttpResponse::Ok().json(value))
}

/// Puts the fields of `more` into `answer`.
pub fn extend(answer: &mut Value, more: Value) {
    if let (Value::Object(answer), Value::Object(more)) = (answer, more) {
        answer.extend(more);
    }
}

/// Text from a path or a body, as the store can hold it: PostgreSQL takes every character but one.
pub fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// An id in a path: a UUID, or the name of an imported exchange.
pub fn id(text: &str) -> ExchangeId {
    ExchangeId::from_external(text)
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        if error.is_transient() {
            tracing::warn!(%error, "the store did not answer");
            return Self::Unavailable("the store does not answer at the moment");
        }
        tracing::error!(%error, "the store refused a read");
        Self::internal(error)
    }
}
