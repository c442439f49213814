//! The Anthropic API, as far as its clients can tell.

mod auto;
mod cache;
mod content;
mod documents;
mod error;
mod fault;
mod headers;
mod messages;
mod models;
mod sse;
mod state;
mod validate;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nexus_contract::Clock;
use serde_json::json;

use self::documents::Kind;
pub use self::error::ApiError;
use self::headers::with_headers;
use self::state::State;
use crate::http::{Answer, Request, Service};
use crate::script::Turn;

/// The organization that all answers name, unless the key ends in `@NAME`.
pub const ORGANIZATION: &str = "00000000-0000-4000-8000-000000000001";

/// The stand-in for the Anthropic API.
pub struct Anthropic {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl Anthropic {
    /// Equal seeds give equal ids for equal requests.
    pub fn new(clock: Arc<dyn Clock>, seed: impl Into<String>) -> Self {
        Self { clock, state: Mutex::new(State::new(seed.into())) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn route(&self, request: &Request, state: &mut State) -> (Result<Answer, ApiError>, Turn) {
        let plain = |result: Result<serde_json::Value, ApiError>| {
            (result.map(|body| Answer::json(200, &body)), Turn::default())
        };
        if let Err(error) = validate::access(request) {
            return (Err(error), Turn::default());
        }
        let now = self.clock.now();
        let path = request.path().trim_end_matches('/');
        match (request.method.as_str(), path) {
            ("POST", "/v1/messages") => messages::answer(request, state, now),
            ("POST", "/v1/messages/count_tokens") => plain(messages::count(request)),
            ("GET", "/v1/models") => plain(Ok(models::list())),
            (_, path) => {
                let at = now.to_string();
                plain(if let Some(id) = path.strip_prefix("/v1/models/") {
                    models::find(id)
                } else if let Some(rest) = path.strip_prefix("/v1/messages/batches") {
                    documents::answer(Kind::Batch, request, rest, state, &at)
                } else if let Some(rest) = path.strip_prefix("/v1/files") {
                    documents::answer(Kind::File, request, rest, state, &at)
                } else {
                    Err(ApiError::not_found("Not found"))
                })
            }
        }
    }
}

impl Service for Anthropic {
    fn answer(&self, request: &Request) -> Answer {
        match request.path() {
            "/" | "/health" => return Answer::json(200, &json!({"status": "ok"})),
            "/api/hello" => return Answer::json(200, &json!({"message": "hello"})),
            _ => {}
        }
        let mut state = self.state();
        let request_id = state.id("req");
        state.requests += 1;
        let used = state.requests;
        let (result, turn) = self.route(request, &mut state);
        let answer = result.unwrap_or_else(|error| refused(&error, &turn, &request_id));
        let answer = turn
            .modifiers
            .iter()
            .filter(|m| m.name == "header")
            .flat_map(|m| &m.args)
            .fold(answer, |answer, (name, value)| answer.header(name, value.clone()));
        with_headers(
            answer,
            &request_id,
            &organization(request),
            used,
            turn.modifier("limits"),
            self.clock.now(),
        )
    }
}

/// An error with the headers that its `fail` modifier asks for.
fn refused(error: &ApiError, turn: &Turn, request_id: &str) -> Answer {
    let mut answer = error.answer(request_id);
    let Some(fail) = turn.modifier("fail") else { return answer };
    for (key, header) in [("retry_after", "retry-after"), ("should_retry", "x-should-retry")] {
        if let Some(value) = fail.arg(key) {
            answer = answer.header(header, value);
        }
    }
    answer
}

fn organization(request: &Request) -> String {
    let bearer = || request.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
    let key = request.header("x-api-key").or_else(bearer).unwrap_or_default();
    key.split_once('@').map_or_else(|| ORGANIZATION.to_owned(), |(_, name)| name.to_owned())
}
