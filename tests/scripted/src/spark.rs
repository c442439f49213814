//! The stand-in for Spark: keeps feedback by session, in the form that Spark takes it. Session ids with `slow` in them are answered
//! late, with `broken` by a 500.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Answer, Request, Service};

const MAX_SESSIONS: usize = 1000;
const LATE: Duration = Duration::from_mins(2);

/// The stand-in for Spark; answers only to its key.
#[derive(Debug)]
pub struct Spark {
    key: String,
    feedback: Mutex<HashMap<String, Vec<Value>>>,
}

impl Spark {
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), feedback: Mutex::default() }
    }

    fn of(&self, session: &str) -> Value {
        let feedback = self.feedback.lock().unwrap_or_else(PoisonError::into_inner);
        json!({"session_id": session, "feedback": feedback.get(session).cloned().unwrap_or_default()})
    }

    fn keep(&self, body: &Value) -> Answer {
        let Some(session) = body["session_id"].as_str().map(str::to_owned) else {
            return Answer::json(422, &json!({"detail": "session_id: Field required"}));
        };
        let overall = &body["feedback"]["recommendation_feedback"]["overall_feedback"];
        if !overall["rating"].as_u64().is_some_and(|rating| (1..=5).contains(&rating)) {
            return Answer::json(422, &json!({"detail": "rating: must be 1 to 5"}));
        }
        let kept = body["feedback"].clone();
        let mut feedback = self.feedback.lock().unwrap_or_else(PoisonError::into_inner);
        if feedback.len() >= MAX_SESSIONS {
            feedback.clear();
        }
        feedback.entry(session.clone()).or_default().push(kept);
        Answer::json(201, &json!({"status": "accepted", "session_id": session}))
    }

    fn batch(&self, body: &Value) -> Answer {
        let sessions =
            body["session_ids"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let found = sessions.map(|session| (session.to_owned(), self.of(session)));
        Answer::json(200, &json!({"results": found.collect::<serde_json::Map<_, _>>()}))
    }
}

impl Service for Spark {
    fn answer(&self, request: &Request) -> Answer {
        let bearer = request.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
        if bearer.or(request.header("x-api-key")) != Some(self.key.as_str()) {
            return Answer::json(401, &json!({"detail": "Invalid API key"}));
        }
        let path = request.path();
        if path.contains("broken") {
            return Answer::json(500, &json!({"detail": "Internal Server Error"}));
        }
        let mut answer = match request.method.as_str() {
            "POST" if path.ends_with("/feedback/batch") => self.batch(&request.json()),
            "POST" if path.ends_with("/send_feedback") => self.keep(&request.json()),
            "GET" => {
                match path.strip_suffix("/feedback").and_then(|path| path.split_once("/sessions/"))
                {
                    Some((_, session)) => Answer::json(200, &self.of(session)),
                    None => Answer::json(404, &json!({"detail": "Not Found"})),
                }
            }
            _ => Answer::json(404, &json!({"detail": "Not Found"})),
        };
        if path.contains("slow") {
            answer.delay = LATE;
        }
        answer
    }
}
