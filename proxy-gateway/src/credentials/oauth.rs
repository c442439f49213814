//! The OAuth token endpoint: a code, or a refresh token, for a new pair (RFC 6749 §4.1.3, §6).

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::AccessConfig;

/// Time for one token request.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Calls the token endpoint.
#[derive(Clone)]
pub struct OAuthClient {
    http: reqwest::Client,
    token_url: String,
    client_id: String,
}

/// A pair as the endpoint issues it.
#[derive(Debug, Deserialize)]
pub struct Issued {
    pub access_token: SecretString,
    /// Absent when the old one stays valid.
    pub refresh_token: Option<SecretString>,
    /// Seconds.
    pub expires_in: i64,
    #[serde(default)]
    pub scope: Option<String>,
    #[serde(default)]
    pub account: Option<Account>,
}

#[derive(Debug, Deserialize)]
pub struct Account {
    pub uuid: String,
}

/// Why there is no new pair. The texts hold no token.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    /// The refresh token, or the code, is of no use any more: someone has to log in again.
    #[error("the token server refused it ({0}); log in again with `nexus credentials login`")]
    Refused(String),
    #[error("the token server answered {0}")]
    Status(u16),
    #[error(
        "the token server can't be reached ({0}); check the network, HTTPS_PROXY and NEXUS_OAUTH_TOKEN_URL"
    )]
    Unreachable(String),
    #[error("the token server's answer can't be read")]
    Malformed,
}

impl OAuthClient {
    pub fn new(http: reqwest::Client, config: &AccessConfig) -> Self {
        Self {
            http,
            token_url: config.oauth_token_url.clone(),
            client_id: config.oauth_client_id.clone(),
        }
    }

    pub async fn refresh(&self, refresh_token: &SecretString) -> Result<Issued, OAuthError> {
        self.request(&json!({
            "grant_type": "refresh_token",
            "refresh_token": refresh_token.expose_secret(),
            "client_id": self.client_id,
        }))
        .await
    }

    /// Redeems the code of a login.
    pub async fn redeem(
        &self,
        code: &str,
        state: &str,
        verifier: &str,
        redirect_uri: &str,
    ) -> Result<Issued, OAuthError> {
        self.request(&json!({
            "grant_type": "authorization_code",
            "code": code,
            "state": state,
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }))
        .await
    }

    async fn request(&self, body: &Value) -> Result<Issued, OAuthError> {
        let sent = self.http.post(&self.token_url).timeout(TIMEOUT).json(body).send().await;
        // The error's text would name the address, which may hold more than a host.
        let response =
            sent.map_err(|error| OAuthError::Unreachable(error.without_url().to_string()))?;
        let status = response.status();
        if status.is_success() {
            return response.json().await.map_err(|_detail| OAuthError::Malformed);
        }
        if status.is_client_error() {
            let body: Value = response.json().await.unwrap_or_default();
            if let Some(reason) = refusal(&body) {
                return Err(OAuthError::Refused(reason.to_owned()));
            }
        }
        Err(OAuthError::Status(status.as_u16()))
    }
}

/// The code of an error that trying again can't mend.
fn refusal(body: &Value) -> Option<&'static str> {
    const FINAL: [&str; 4] =
        ["invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope"];
    let error = &body["error"];
    let code = error.as_str().or_else(|| error["type"].as_str())?;
    FINAL.into_iter().find(|known| *known == code)
}
