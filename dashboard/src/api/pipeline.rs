//! `/api/pipeline`: how far events have come.

use actix_web::web::Data;
use serde_json::{Value, json};

use super::answer::{Answer, json};
use crate::deps::Dashboard;

pub async fn status(dashboard: Data<Dashboard>) -> Answer {
    let stream = match dashboard.deps.stream.status().await {
        Ok(status) => json!(status),
        Err(error) => {
            tracing::warn!(%error, "the event stream's status is not known");
            Value::Null
        }
    };
    json(&json!({"stream": stream, "version": env!("CARGO_PKG_VERSION")}))
}
