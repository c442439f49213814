//! Who may pass, and with which credential.

use std::{borrow::Cow, sync::Arc, time::Duration};

use actix_web::http::{
    Uri,
    header::{self, HeaderMap, HeaderValue},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use nexus_contract::Clock;

use crate::{
    config::{AccessConfig, DomainSlack},
    credentials::{Credential, Credentials, Digest, Fingerprinter, Secret, is_among},
    domain::Domain,
    exchange::Injected,
    problem::Problem,
};

/// How Nexus's own client keys begin. Such a key never goes up, whatever else is configured.
const CLIENT_KEY: &str = "cnp_";

/// Keys that a request may show; a client needs one.
const MAX_PRESENTED: usize = 4;

/// What a request may do.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Account of the stored credential; `None` for pass-through.
    pub account_id: Option<String>,
    pub injected: Injected,
    /// What the client authenticated with.
    pub fingerprint: Option<Digest>,
    /// The domain's own notices, where it says anything of them.
    pub slack: DomainSlack,
}

/// Decides.
pub struct Access {
    pub credentials: Arc<Credentials>,
    clock: Arc<dyn Clock>,
    client_auth: bool,
    allow_passthrough: bool,
    renewal_timeout: Duration,
}

impl Access {
    pub fn new(config: &AccessConfig, clock: Arc<dyn Clock>) -> Self {
        let fingerprinter = Fingerprinter::new(&config.api_key_salt);
        Self {
            credentials: Arc::new(Credentials::open(&config.credentials_dir, fingerprinter)),
            clock,
            client_auth: config.client_auth,
            allow_passthrough: config.allow_passthrough,
            renewal_timeout: config.renewal_timeout,
        }
    }

    /// Every refusal is the same, whether or not the domain has a credential.
    pub async fn authorize(
        &self,
        domain: &Domain,
        target: &Uri,
        headers: &HeaderMap,
    ) -> Result<Grant, Problem> {
        if is_astray(target, headers) {
            return Err(Problem::Authentication);
        }
        let presented = presented(headers).ok_or(Problem::Authentication)?;
        let fingerprinter = self.credentials.fingerprinter();
        let digests: Vec<_> = presented.iter().map(|key| fingerprinter.digest(key)).collect();
        match self.credentials.find(domain.as_str()) {
            Some(stored) => {
                let credential = stored.ok_or(Problem::Authentication)?;
                let known = digests.iter().find(|key| is_among(key, &credential.client_keys));
                if known.is_none() && self.client_auth {
                    return Err(Problem::Authentication);
                }
                let known = known.copied();
                self.stored(domain, credential, known).await
            }
            None if !self.allow_passthrough
                || self.holds_client_key(headers, &presented, &digests) =>
            {
                Err(Problem::Authentication)
            }
            None => Ok(Grant {
                account_id: None,
                injected: Injected::Nothing,
                fingerprint: digests.first().copied(),
                slack: DomainSlack::default(),
            }),
        }
    }

    async fn stored(
        &self,
        domain: &Domain,
        credential: Arc<Credential>,
        fingerprint: Option<Digest>,
    ) -> Result<Grant, Problem> {
        let injected = match self.injected(&credential) {
            Some(injected) => injected,
            None => self.renewed(domain).await?,
        };
        let account_id = credential.account_id.clone();
        Ok(Grant { account_id, injected, fingerprint, slack: credential.slack.clone() })
    }

    /// A key of this gateway, of whatever domain, is none of the upstream's business; also where it
    /// stands in a form that lets nobody in, such as without its scheme.
    fn holds_client_key(
        &self,
        headers: &HeaderMap,
        presented: &[&str],
        digests: &[Digest],
    ) -> bool {
        let is_known = |digest: &Digest| self.credentials.knows_client_key(digest);
        let fingerprinter = self.credentials.fingerprinter();
        // What is presented has its digest already.
        let is_other =
            |text: &str| !presented.contains(&text) && is_known(&fingerprinter.digest(text));
        let is_one = |text: &str| mentions_client_key(text) || is_other(text.trim());
        let holds_one = |value: &HeaderValue| {
            is_one(&text(value)) || basic(value).is_some_and(|pair| pair.splitn(2, ':').any(is_one))
        };
        let mut values = headers.get_all("x-api-key").chain(headers.get_all(header::AUTHORIZATION));
        digests.iter().any(is_known) || values.any(holds_one)
    }

    /// `None` when the credential has expired.
    fn injected(&self, credential: &Credential) -> Option<Injected> {
        match &credential.secret {
            Secret::ApiKey(key) => Some(Injected::ApiKey(key.clone())),
            Secret::OAuth(pair) => (pair.expires_at > self.clock.now().as_millisecond())
                .then(|| Injected::OAuth(pair.bearer.clone())),
        }
    }

    /// Waits for the refresh in the background.
    async fn renewed(&self, domain: &Domain) -> Result<Injected, Problem> {
        let mut changes = self.credentials.changes();
        let renewal = async {
            loop {
                let stored = self.credentials.find(domain.as_str()).flatten();
                if let Some(injected) = stored.and_then(|stored| self.injected(&stored)) {
                    return Some(injected);
                }
                changes.changed().await.ok()?;
            }
        };
        let renewed = tokio::time::timeout(self.renewal_timeout, renewal).await.ok().flatten();
        renewed.ok_or(Problem::Upstream("the stored credential has expired and was not renewed"))
    }
}

/// What the client shows, wherever it puts it. `None` when that is too much to look at: what goes
/// up must have been looked at.
fn presented(headers: &HeaderMap) -> Option<Vec<&str>> {
    let keys = headers.get_all("x-api-key").filter_map(|value| value.to_str().ok());
    let bearers = headers.get_all(header::AUTHORIZATION).filter_map(bearer);
    let all = keys.chain(bearers).map(str::trim).filter(|key| !key.is_empty());
    let presented: Vec<_> = all.take(MAX_PRESENTED + 1).collect();
    (presented.len() <= MAX_PRESENTED).then_some(presented)
}

/// Whether a client key stands where it lets nobody in and from where it would go up, with whatever
/// credential. Told by its beginning alone: to compare each word with all keys would be work that
/// strangers set.
fn is_astray(target: &Uri, headers: &HeaderMap) -> bool {
    target.query().is_some_and(mentions_client_key)
        || headers.get_all(header::COOKIE).any(|value| mentions_client_key(&text(value)))
}

/// Whether a word of `text` begins as client keys do.
fn mentions_client_key(text: &str) -> bool {
    let is_of_keys = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
    text.split(|char: char| !is_of_keys(char)).any(|word| word.starts_with(CLIENT_KEY))
}

fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

/// The token of `Authorization: Bearer …`.
pub fn bearer(value: &HeaderValue) -> Option<&str> {
    of_scheme(value, "bearer")
}

/// Name and password of `Authorization: Basic …`, with the first colon between them.
fn basic(value: &HeaderValue) -> Option<String> {
    let pair = BASE64_STANDARD.decode(of_scheme(value, "basic")?).ok()?;
    Some(String::from_utf8_lossy(&pair).into_owned())
}

/// What stands behind the scheme, whose case does not count (RFC 9110 §11.1).
fn of_scheme<'a>(value: &'a HeaderValue, wanted: &str) -> Option<&'a str> {
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| rest.trim())
}
