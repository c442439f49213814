//! The models list.

use serde_json::{Value, json};

use super::error::ApiError;

const MODELS: [(&str, &str, &str); 7] = [
    ("claude-opus-5-5", "Claude Opus 5.5", "2026-09-01T00:00:00Z"),
    ("claude-sonnet-5", "Claude Sonnet 5", "2026-05-01T00:00:00Z"),
    ("claude-opus-4-5-20251101", "Claude Opus 4.5", "2025-11-01T00:00:00Z"),
    ("claude-haiku-4-5-20251001", "Claude Haiku 4.5", "2025-10-01T00:00:00Z"),
    ("claude-sonnet-4-5-20250929", "Claude Sonnet 4.5", "2025-09-29T00:00:00Z"),
    ("claude-opus-4-1-20250805", "Claude Opus 4.1", "2025-08-05T00:00:00Z"),
    ("claude-sonnet-4-20250514", "Claude Sonnet 4", "2025-05-14T00:00:00Z"),
];

pub fn list() -> Value {
    let data: Vec<Value> = MODELS.iter().map(|model| one(*model)).collect();
    json!({"data": data, "has_more": false, "first_id": MODELS[0].0, "last_id": MODELS[MODELS.len() - 1].0})
}

pub fn find(id: &str) -> Result<Value, ApiError> {
    let found = MODELS.iter().find(|(name, ..)| *name == id);
    found.map(|model| one(*model)).ok_or_else(|| ApiError::not_found(format!("model: {id}")))
}

fn one((id, name, at): (&str, &str, &str)) -> Value {
    json!({"type": "model", "id": id, "display_name": name, "created_at": at})
}
