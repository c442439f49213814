//! The stand-in for Slack's incoming webhooks. A path that holds `limited` is told to wait the first
//! time; one that holds `gone` is unknown.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::http::{Answer, Request, Service};

const MAX_PATHS: usize = 1000;

/// The stand-in for Slack.
#[derive(Debug, Default)]
pub struct Slack {
    limited: Mutex<HashSet<String>>,
}

impl Slack {
    /// Whether this path was not yet told to wait.
    fn first(&self, path: &str) -> bool {
        let mut limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
        limited.len() < MAX_PATHS && limited.insert(path.to_owned())
    }
}

impl Service for Slack {
    fn answer(&self, request: &Request) -> Answer {
        let path = request.path();
        if path.contains("gone") {
            return Answer::text(404, "no_service");
        }
        if path.contains("limited") && self.first(path) {
            return Answer::text(429, "rate_limited").header("retry-after", "1");
        }
        let body = request.json();
        let says = |key: &str| {
            body[key].as_str().is_some_and(|text| !text.is_empty())
                || body[key].as_array().is_some_and(|list| !list.is_empty())
        };
        if request.method != "POST" || !body.is_object() {
            return Answer::text(400, "invalid_payload");
        }
        if !["text", "blocks", "attachments"].into_iter().any(says) {
            return Answer::text(400, "no_text");
        }
        Answer::text(200, "ok")
    }
}
