//! An OAuth login by pasting a code: authorization code with PKCE (RFC 7636).

use std::{fs, io, path::Path};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use nexus_contract::Clock;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    directory::path_of,
    lock::LockFile,
    oauth::{OAuthClient, OAuthError},
    refresh::lay_over,
    save::Draft,
};
use crate::config::AccessConfig;

/// Where the consent page shows the code to paste.
const REDIRECT: &str = "https://console.anthropic.com/oauth/code/callback";

const SCOPES: &str = "org:create_api_key user:profile user:inference";

/// A login under way.
pub struct Login {
    verifier: String,
    state: String,
}

/// Why a login failed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    #[error("the code belongs to another login; begin again")]
    State,
    #[error("the credential file can't be read or written: {0}")]
    File(#[from] io::Error),
    #[error("a domain has only a-z, 0-9, '.' and '-'")]
    Domain,
    #[error("the authorization address is not a URL: {0}")]
    Url(#[from] url::ParseError),
}

impl Login {
    /// `random` gives fresh bits.
    pub fn begin(random: &dyn Fn() -> u64) -> Self {
        let token = || {
            let bytes: Vec<u8> = (0..4).flat_map(|_| random().to_be_bytes()).collect();
            BASE64_URL_SAFE_NO_PAD.encode(bytes)
        };
        Self { verifier: token(), state: token() }
    }

    /// The page to open in a browser.
    pub fn url(&self, config: &AccessConfig) -> Result<String, LoginError> {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier));
        let url = Url::parse_with_params(
            &config.oauth_authorize_url,
            [
                ("code", "true"),
                ("client_id", &config.oauth_client_id),
                ("response_type", "code"),
                ("redirect_uri", REDIRECT),
                ("scope", SCOPES),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
                ("state", &self.state),
            ],
        )?;
        Ok(url.into())
    }

    /// Redeems what was pasted (`CODE#STATE`) and writes the domain's file. Client keys and other
    /// settings of a file that is there stay.
    pub async fn finish(
        &self,
        pasted: &str,
        dir: &Path,
        domain: &str,
        client: &OAuthClient,
        clock: &dyn Clock,
        unique: u64,
    ) -> Result<(), LoginError> {
        let path = path_of(dir, domain).ok_or(LoginError::Domain)?;
        let (code, state) = pasted.trim().split_once('#').unwrap_or((pasted.trim(), &self.state));
        if state != self.state {
            return Err(LoginError::State);
        }
        fs::create_dir_all(dir)?;
        // A refresh that is under way would write what it read before over what comes now.
        let _lock = LockFile::open(&path)?.lock().await?;
        let mut content = existing(&path)?;
        // A code works once, so there must be a place for what it brings before it is sent.
        let draft = Draft::begin(&path, unique)?;
        let issued = client.redeem(code, state, &self.verifier, REDIRECT).await?;
        content["type"] = json!("oauth");
        if content["oauth"].is_null() {
            content["oauth"] = json!({});
        }
        if content["accountId"].is_null()
            && let Some(account) = &issued.account
        {
            content["accountId"] = json!(format!("acc_{}", account.uuid.replace('-', "")));
        }
        lay_over(&mut content["oauth"], &issued, clock);
        draft.place(&content)?;
        Ok(())
    }
}

fn existing(path: &Path) -> io::Result<Value> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text).unwrap_or_else(|_broken| json!({}))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(json!({})),
        Err(error) => Err(error),
    }
}
