//! `/api/pipeline`: how far events have come, and who carries them.

use actix_web::web::Data;
use serde_json::{Value, json};

use super::answer::{Answer, json};
use crate::{deps::Dashboard, live::journals};

pub async fn status(dashboard: Data<Dashboard>) -> Answer {
    let stream = match dashboard.deps.stream.status().await {
        Ok(status) => json!(status),
        Err(error) => {
            tracing::warn!(%error, "the event stream's status is not known");
            Value::Null
        }
    };
    let instances = dashboard.hub.instances.list();
    json(&json!({
        "journal": journals(&instances),
        "stream": stream,
        "instances": instances,
        "version": env!("CARGO_PKG_VERSION"),
    }))
}
