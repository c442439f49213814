//! One call.

use std::time::Duration;

use reqwest::{
    Client, Response,
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    answer::Answer,
    failure::{CallError, Cause},
    wire::Request,
};
use crate::{config::GeminiConfig, prompt::Prompt};

/// An answer is some kilobytes; more than this is none.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
const KEY_HEADER: &str = "x-goog-api-key";

/// A client of Gemini.
#[derive(Debug, Clone)]
pub struct Gemini {
    http: Client,
    url: String,
    key: SecretString,
    timeout: Duration,
}

impl Gemini {
    /// Connects to nothing yet. Redirects are not followed: they would carry the key away.
    pub fn new(config: &GeminiConfig) -> reqwest::Result<Self> {
        nexus_bus::choose_cryptography();
        let base = config.api_url.trim_end_matches('/');
        let model = config.model.trim_start_matches("models/");
        Ok(Self {
            http: Client::builder().redirect(Policy::none()).build()?,
            url: format!("{base}/{model}:generateContent"),
            key: config.api_key.clone(),
            timeout: config.request_timeout,
        })
    }

    /// Asks once.
    pub async fn generate(&self, prompt: &Prompt) -> Result<Answer, CallError> {
        let body = Request::new(prompt).and_then(|request| serde_json::to_vec(&request));
        let body = body.map_err(|error| CallError::new(Cause::Refused, error.to_string()))?;
        let request = self
            .http
            .post(&self.url)
            .timeout(self.timeout)
            .header(CONTENT_TYPE, "application/json")
            .header(KEY_HEADER, self.key.expose_secret())
            .body(body);
        let response = request.send().await.map_err(broken)?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.map(str::to_owned);
        let body = bounded(response).await?;
        if status.is_success() {
            Answer::read(&body)
        } else {
            Err(CallError::from_status(status.as_u16(), retry_after.as_deref(), &body))
        }
    }
}

async fn bounded(mut response: Response) -> Result<Vec<u8>, CallError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(CallError::new(Cause::Malformed, "Gemini's answer is too large."));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn broken(error: reqwest::Error) -> CallError {
    let (cause, what) = if error.is_builder() {
        (Cause::Refused, "GEMINI_API_URL, GEMINI_MODEL_NAME or GEMINI_API_KEY is not valid")
    } else if error.is_timeout() {
        (Cause::Timeout, "Gemini did not answer in time")
    } else {
        (Cause::Connection, "the connection to Gemini failed")
    };
    CallError::new(cause, format!("{what}: {}", error.without_url()))
}
