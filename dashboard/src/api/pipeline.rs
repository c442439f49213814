//! `/api/pipeline`: how far events have come, who carries them, and how well they were linked.

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
    // The stream's state is wanted most when the store is gone.
    let links = dashboard.link_quality().await;
    let instances = dashboard.hub.instances.list();
    json(&json!({
        "journal": journals(&instances),
        "stream": stream,
        "links": links.as_deref(),
        "instances": instances,
        "version": env!("CARGO_PKG_VERSION"),
    }))
}
