//! Batches and files, as far as a client that lists, creates, reads and deletes needs.

use serde_json::{Value, json};

use super::error::ApiError;
use super::state::State;
use crate::http::Request;

/// Answers `/v1/messages/batches…` and `/v1/files…`.
pub fn answer(
    kind: Kind,
    request: &Request,
    rest: &str,
    state: &mut State,
    now: &str,
) -> Result<Value, ApiError> {
    let id = rest.trim_matches('/').split('/').next().unwrap_or_default();
    match (request.method.as_str(), id) {
        ("POST", "") => Ok(kind.create(request, state, now)),
        ("GET", "") => Ok(list(kind, state)),
        ("DELETE", id) if state.documents.remove(id).is_some() => {
            Ok(json!({"id": id, "type": format!("{}_deleted", kind.noun())}))
        }
        (_, id) => state
            .documents
            .get(id)
            .cloned()
            .ok_or_else(|| ApiError::not_found(format!("Not found: {id}"))),
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Batch,
    File,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Batch => "message_batch",
            Self::File => "file",
        }
    }

    fn create(self, request: &Request, state: &mut State, now: &str) -> Value {
        let id = state.id(if matches!(self, Self::Batch) { "msgbatch" } else { "file" });
        let document = match self {
            Self::Batch => {
                let count = request.json()["requests"].as_array().map_or(0, Vec::len);
                json!({"id": id, "type": "message_batch", "processing_status": "in_progress", "created_at": now,
                    "request_counts": {"processing": count, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
                    "ended_at": null, "results_url": null, "cancel_initiated_at": null, "archived_at": null, "expires_at": now})
            }
            Self::File => {
                json!({"id": id, "type": "file", "filename": "upload", "mime_type": "application/octet-stream",
                "size_bytes": request.body.len(), "created_at": now, "downloadable": false})
            }
        };
        state.keep_document(&id, document.clone());
        document
    }
}

fn list(kind: Kind, state: &State) -> Value {
    let mut data: Vec<&Value> =
        state.documents.values().filter(|d| d["type"] == kind.noun()).collect();
    data.sort_by_key(|document| document["id"].as_str().map(str::to_owned));
    let edge =
        |document: Option<&&Value>| document.map_or(Value::Null, |document| document["id"].clone());
    json!({"data": data, "has_more": false, "first_id": edge(data.first()), "last_id": edge(data.last())})
}
