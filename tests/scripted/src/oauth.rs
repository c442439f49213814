//! The stand-in for the OAuth token server: codes with PKCE, refresh tokens that work once.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::http::{Answer, HeadFault, Request, Service};

/// How the next refreshes fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Status(u16),
    /// No answer at all.
    Stall,
}

/// The stand-in for the token server. Share it in an `Arc` to look into it while it serves.
#[derive(Debug)]
pub struct OAuth {
    lifetime: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    issued: u64,
    refresh: HashSet<String>,
    challenges: HashMap<String, String>,
    failures: Vec<Failure>,
}

impl OAuth {
    /// Tokens live `lifetime` seconds.
    pub fn new(lifetime: u64) -> Self {
        Self { lifetime, state: Mutex::default() }
    }

    /// Makes a refresh token known, as if it had been issued.
    pub fn know(&self, refresh_token: &str) {
        self.state().refresh.insert(refresh_token.to_owned());
    }

    /// The next token request fails so; several add up.
    pub fn fail_next(&self, failure: Failure) {
        self.state().failures.insert(0, failure);
    }

    /// How many pairs have been issued.
    pub fn issued(&self) -> u64 {
        self.state().issued
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the consent page leads to: a code that belongs to the challenge.
    fn authorize(&self, request: &Request) -> Answer {
        let Some(challenge) = request.query("code_challenge") else {
            return Answer::text(400, "code_challenge is missing");
        };
        let mut state = self.state();
        let code = format!("code-{}", state.challenges.len());
        state.challenges.insert(code.clone(), challenge.to_owned());
        Answer::text(200, format!("{code}#{}", request.query("state").unwrap_or_default()))
    }

    fn token(&self, request: &Request) -> Answer {
        let mut state = self.state();
        match state.failures.pop() {
            Some(Failure::Status(status)) => {
                return Answer::json(status, &json!({"error": "server_error"}));
            }
            Some(Failure::Stall) => {
                let mut answer = Answer::new(200);
                answer.head_fault = HeadFault::Stall;
                return answer;
            }
            None => {}
        }
        let body = parameters(request);
        let known = match body["grant_type"].as_str() {
            Some("refresh_token") => {
                state.refresh.remove(body["refresh_token"].as_str().unwrap_or_default())
            }
            Some("authorization_code") => state.redeem(&body),
            _ => return Answer::json(400, &json!({"error": "unsupported_grant_type"})),
        };
        if !known {
            let reason = "Refresh token not found or invalid";
            return Answer::json(
                400,
                &json!({"error": "invalid_grant", "error_description": reason}),
            );
        }
        state.issue(self.lifetime)
    }
}

impl State {
    fn redeem(&mut self, body: &Value) -> bool {
        let code = body["code"].as_str().unwrap_or_default().split('#').next().unwrap_or_default();
        let verifier = body["code_verifier"].as_str().unwrap_or_default();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        self.challenges.remove(code).is_some_and(|expected| expected == challenge)
    }

    fn issue(&mut self, lifetime: u64) -> Answer {
        self.issued += 1;
        let refresh = format!("sk-ant-ort01-scripted-{}", self.issued);
        self.refresh.insert(refresh.clone());
        let id = "00000000-0000-4000-8000-000000000001";
        Answer::json(
            200,
            &json!({
                "token_type": "Bearer", "access_token": format!("sk-ant-oat01-scripted-{}", self.issued),
                "refresh_token": refresh, "expires_in": lifetime, "scope": "user:inference user:profile",
                "organization": {"uuid": id, "name": "Team"}, "account": {"uuid": id, "email_address": "dev@team.example"},
            }),
        )
    }
}

impl Service for OAuth {
    fn answer(&self, request: &Request) -> Answer {
        match (request.method.as_str(), request.path().trim_end_matches('/')) {
            ("GET", path) if path.ends_with("/authorize") => self.authorize(request),
            ("POST", path) if path.ends_with("/token") => self.token(request),
            _ => Answer::json(404, &json!({"error": "not_found"})),
        }
    }
}

/// The parameters, from JSON or from a form.
fn parameters(request: &Request) -> Value {
    if let Ok(body) = serde_json::from_slice(&request.body) {
        return body;
    }
    let pairs = url::form_urlencoded::parse(&request.body);
    pairs
        .map(|(key, value)| (key.into_owned(), Value::from(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
