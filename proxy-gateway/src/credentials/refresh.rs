//! Renewing OAuth pairs: in the background, before they expire, once across all processes.

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream};
use nexus_contract::Clock;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    directory::{Directory, path_of},
    file::{Credential, Secret},
    lock::LockFile,
    oauth::{Issued, OAuthClient, OAuthError},
    save::Draft,
    table::{Credentials, FailedRefresh},
};
use crate::deps::Random;

/// A pair is renewed when it has no more than this left.
const AHEAD_MS: i64 = 60_000;

/// Refreshes at a time.
const AT_ONCE: usize = 8;

/// Pause after a failure; where the token server has to be spared it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const MAX_PAUSE: Duration = Duration::from_mins(5);

/// What became of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// A new pair is in the file.
    Renewed,
    /// The file already holds a pair that is good for longer.
    StillGood,
}

/// Why a pair was not renewed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    #[error("the credential file can't be read or written: {0}")]
    File(#[from] io::Error),
    /// Found out before the token server is asked: the pair that is there stays good.
    #[error("nothing can be written to the credential directory ({0}); the pair was not spent")]
    Unwritable(io::Error),
    #[error("the file holds no OAuth credential")]
    NotOAuth,
    #[error("the domain's name can't be one of a file")]
    Domain,
}

/// Renews pairs for as long as it is asked.
pub struct Refresher {
    pub credentials: Arc<Credentials>,
    pub client: OAuthClient,
    pub clock: Arc<dyn Clock>,
    pub random: Random,
    pauses: Mutex<HashMap<String, Pause>>,
}

/// A domain whose last refresh failed.
#[derive(Clone, Copy)]
struct Pause {
    until: Instant,
    length: Duration,
    /// Nothing could be written.
    unwritable: bool,
}

impl Refresher {
    pub fn new(
        credentials: Arc<Credentials>,
        client: OAuthClient,
        clock: Arc<dyn Clock>,
        random: Random,
    ) -> Self {
        Self { credentials, client, clock, random, pauses: Mutex::default() }
    }

    /// Renews every pair that is due, side by side: a domain whose lock or answer is slow in coming
    /// must not let another one's pair expire.
    pub async fn run_due(&self) {
        let now = self.clock.now().as_millisecond();
        let is_due = |(domain, credential): (String, Arc<Credential>)| match &credential.secret {
            Secret::OAuth(pair) => {
                let is_due =
                    pair.expires_at.saturating_sub(now) <= AHEAD_MS && !self.is_paused(&domain);
                is_due.then_some((domain, pair.expires_at))
            }
            Secret::ApiKey(_) => None,
        };
        let due = self.credentials.list_oauth().into_iter().filter_map(is_due);
        let renewals = stream::iter(due.map(|(domain, expires_at)| async move {
            self.renew(&domain, expires_at).await;
        }));
        renewals.buffer_unordered(AT_ONCE).collect::<()>().await;
    }

    /// Renews the pair that expires then.
    async fn renew(&self, domain: &str, expires_at: i64) {
        let path = self.credentials.path();
        let outcome =
            refresh_domain(path, domain, &self.client, &*self.clock, (self.random)(), false).await;
        match outcome {
            Ok(refreshed) => {
                tracing::info!(domain, ?refreshed, "credential refreshed");
                self.credentials.note_refresh(domain, Ok(()));
                self.pauses().remove(domain);
                let credentials = self.credentials.clone();
                // A panic there is reported by the next look.
                let _looked = tokio::task::spawn_blocking(move || credentials.look()).await;
            }
            Err(error) => {
                if self.pause(domain, &error) {
                    tracing::error!(domain, %error, "credential could not be refreshed");
                }
                let problem = format!("it can't be renewed: {error}");
                self.credentials.note_refresh(domain, Err(FailedRefresh { expires_at, problem }));
            }
        }
    }

    fn is_paused(&self, domain: &str) -> bool {
        self.pauses().get(domain).is_some_and(|pause| Instant::now() < pause.until)
    }

    /// Says whether the log should have it: not again and again what comes every few seconds.
    fn pause(&self, domain: &str, error: &RefreshError) -> bool {
        let mut pauses = self.pauses();
        let before = pauses.get(domain).copied();
        let length = error.pause(before.map(|pause| pause.length));
        let unwritable = matches!(error, RefreshError::Unwritable(_));
        let until = Instant::now() + length;
        pauses.insert(domain.to_owned(), Pause { until, length, unwritable });
        !unwritable || before.is_none_or(|pause| !pause.unwritable)
    }

    fn pauses(&self) -> std::sync::MutexGuard<'_, HashMap<String, Pause>> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RefreshError {
    /// How long to wait after a pause of that length. A directory that can't be written is found out
    /// before anyone is asked: once it is mended, nobody should wait for minutes.
    fn pause(&self, before: Option<Duration>) -> Duration {
        match (self, before) {
            (Self::Unwritable(_), _) | (_, None) => FIRST_PAUSE,
            (_, Some(length)) => (length * 2).min(MAX_PAUSE),
        }
    }
}

/// Renews one domain's pair and writes it. Under the lock the file is read again: another process
/// may have been quicker, and a refresh token works once. `force` renews a pair that is still good.
pub async fn refresh_domain(
    dir: &Path,
    domain: &str,
    client: &OAuthClient,
    clock: &dyn Clock,
    unique: u64,
    force: bool,
) -> Result<Refreshed, RefreshError> {
    let path = path_of(dir, domain).ok_or(RefreshError::Domain)?;
    // The lock is a file in the directory too. What waiting for it meets says nothing of that.
    let lock = LockFile::open(&path).map_err(RefreshError::Unwritable)?;
    let _lock = lock.lock().await?;
    // As carefully as the listing does: a FIFO in the file's place would block for ever.
    let (_, text) = Directory::open(dir)?.read(domain).map_err(io::Error::other)?;
    let mut content: Value = serde_json::from_slice(&text).map_err(io::Error::from)?;
    let pair = content.get("oauth").ok_or(RefreshError::NotOAuth)?;
    let expires_at = pair["expiresAt"].as_i64().unwrap_or(0);
    if !force && expires_at.saturating_sub(clock.now().as_millisecond()) > AHEAD_MS {
        return Ok(Refreshed::StillGood);
    }
    let token = pair["refreshToken"].as_str().ok_or(RefreshError::NotOAuth)?;
    // A refresh token works once, so there must be a place for what it brings before it is sent.
    let draft = Draft::begin(&path, unique).map_err(RefreshError::Unwritable)?;
    let issued = client.refresh(&SecretString::from(token)).await?;
    lay_over(&mut content["oauth"], &issued, clock);
    draft.place(&content)?;
    Ok(Refreshed::Renewed)
}

/// Puts a new pair over the old one; fields that are not known here stay.
pub fn lay_over(oauth: &mut Value, issued: &Issued, clock: &dyn Clock) {
    let expires_at =
        clock.now().as_millisecond().saturating_add(issued.expires_in.saturating_mul(1000));
    oauth["accessToken"] = json!(issued.access_token.expose_secret());
    if let Some(refresh_token) = &issued.refresh_token {
        oauth["refreshToken"] = json!(refresh_token.expose_secret());
    }
    oauth["expiresAt"] = json!(expires_at);
    if let Some(scope) = &issued.scope {
        oauth["scopes"] = json!(scope.split_whitespace().collect::<Vec<_>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_asks_others_waits_longer_each_time() {
        let spared = RefreshError::File(io::ErrorKind::NotFound.into());
        assert_eq!(spared.pause(None), FIRST_PAUSE);
        assert_eq!(spared.pause(Some(FIRST_PAUSE)), FIRST_PAUSE * 2);
        assert_eq!(spared.pause(Some(MAX_PAUSE)), MAX_PAUSE);
        let local = RefreshError::Unwritable(io::ErrorKind::PermissionDenied.into());
        assert_eq!(local.pause(Some(MAX_PAUSE)), FIRST_PAUSE);
    }
}
