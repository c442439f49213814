//! Why a request paid for what could have been read from the cache.

use actix_web::web;
use nexus_messages::change::first_change;
use nexus_store::queries::{
    RequestSummary,
    misses::{self, MissReason, Turn},
};
use serde_json::{Value, json};

use crate::{deps::Dashboard, error::PageError, recordings::Recording};

/// The miss with its price and reason, null without one. Where the figures don't tell the reason, the
/// bodies of the request and of its parent do.
pub async fn find(
    dashboard: &Dashboard,
    request: &RequestSummary,
    recording: &Recording,
) -> Result<Value, PageError> {
    let Some(parent_id) = request.parent_request_id else { return Ok(Value::Null) };
    let parent = dashboard.deps.queries.find_request(parent_id).await?;
    let miss = parent.as_ref().and_then(|parent| {
        misses::miss(&Turn::from(request), &Turn::from(parent), &dashboard.config.prices)
    });
    let Some(miss) = miss else { return Ok(Value::Null) };
    let mut shown = json!(miss);
    if miss.reason == MissReason::Changed {
        let before = dashboard.deps.recordings.list_recordings(&[parent_id]).await?;
        let before = before.into_iter().next().map(|(_, parent)| parent.request);
        let (before, after) = (before.unwrap_or_default(), recording.request.clone());
        let change = web::block(move || first_change(&before, &after)).await;
        shown["reason"]["change"] = json!(change.map_err(PageError::internal)?);
    }
    Ok(shown)
}
