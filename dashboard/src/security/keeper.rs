//! Sessions as signed cookies, keys compared in constant time, CSRF tokens.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::{config::DashboardConfig, deps::Random};

/// The session's cookie.
pub const COOKIE: &str = "nexus_session";

/// Logged-out sessions remembered until they would have ended by themselves, at most.
const MAX_ENDED: u64 = 10_000;

/// Makes and checks what proves who somebody is.
pub struct Keeper {
    key: Option<SecretString>,
    secret: SecretSlice<u8>,
    lifetime: Duration,
    random: Random,
    ended: Cache<String, ()>,
}

/// One login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// 128 random bits, hex.
    pub id: String,
    pub ends_at: Timestamp,
}

impl Keeper {
    pub fn new(config: &DashboardConfig, random: Random) -> Self {
        let ended =
            Cache::builder().max_capacity(MAX_ENDED).time_to_live(config.session_lifetime).build();
        Self {
            key: config.api_key.clone(),
            secret: config.session_secret.clone(),
            lifetime: config.session_lifetime,
            random,
            ended,
        }
    }

    /// Whether no key is set, so that all may read and none may write.
    pub const fn is_read_only(&self) -> bool {
        self.key.is_none()
    }

    /// Whether `presented` is the dashboard's key. Takes the same time for every wrong one.
    pub fn is_key(&self, presented: &str) -> bool {
        let Some(key) = &self.key else { return false };
        let digest = |text: &str| self.mac("key", text);
        digest(presented).ct_eq(&digest(key.expose_secret())).into()
    }

    pub fn start(&self, now: Timestamp) -> Session {
        let mut id = [0; 16];
        (self.random)(&mut id);
        let ends_at = now.checked_add(self.lifetime).unwrap_or(Timestamp::MAX);
        Session { id: hex::encode(id), ends_at }
    }

    /// What the cookie holds: id, end, and the signature over both.
    pub fn seal(&self, session: &Session) -> String {
        let claim = format!("{}.{}", session.id, session.ends_at.as_second());
        let signature = hex::encode(self.mac("session", &claim));
        format!("{claim}.{signature}")
    }

    /// The session of a cookie that this dashboard sealed and that has not ended.
    pub fn open(&self, cookie: &str, now: Timestamp) -> Option<Session> {
        let (claim, signature) = cookie.rsplit_once('.')?;
        let presented = hex::decode(signature).ok()?;
        if !bool::from(presented.ct_eq(&self.mac("session", claim))) {
            return None;
        }
        let (id, ends_at) = claim.split_once('.')?;
        let ends_at = Timestamp::from_second(ends_at.parse().ok()?).ok()?;
        let open = ends_at > now && !self.ended.contains_key(id);
        open.then(|| Session { id: id.into(), ends_at })
    }

    /// Ends a session before its time.
    pub fn end(&self, session: &Session) {
        self.ended.insert(session.id.clone(), ());
    }

    pub fn csrf_token(&self, session: &Session) -> String {
        hex::encode(self.mac("csrf", &session.id))
    }

    pub fn is_csrf_token(&self, session: &Session, presented: &str) -> bool {
        hex::decode(presented)
            .is_ok_and(|presented| presented.ct_eq(&self.mac("csrf", &session.id)).into())
    }

    /// HMAC-SHA-256 over a purpose and a text, so that one purpose's value is no other's.
    fn mac(&self, purpose: &str, text: &str) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret())
            .expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper() -> Keeper {
        let mut config = DashboardConfig::new(vec![7; 32].into());
        config.api_key = Some("right".into());
        Keeper::new(&config, std::sync::Arc::new(|bytes: &mut [u8]| bytes.fill(9)))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("valid")
    }

    #[test]
    fn a_sealed_session_opens_until_it_ends() {
        let keeper = keeper();
        let session = keeper.start(at(1000));
        let cookie = keeper.seal(&session);
        assert_eq!(keeper.open(&cookie, at(2000)), Some(session.clone()));
        assert_eq!(keeper.open(&cookie, at(1000 + 15 * 24 * 3600)), None, "too late");
        keeper.end(&session);
        assert_eq!(keeper.open(&cookie, at(2000)), None, "logged out");
    }

    #[test]
    fn a_changed_cookie_opens_nothing() {
        let keeper = keeper();
        let cookie = keeper.seal(&keeper.start(at(1000)));
        for wrong in [
            cookie.replace("0909", "0908"),
            cookie.replacen('.', ".9", 1),
            cookie.to_uppercase() + "00",
            String::new(),
            "..".into(),
        ] {
            assert_eq!(keeper.open(&wrong, at(2000)), None, "{wrong}");
        }
    }

    #[test]
    fn only_the_key_is_the_key_and_only_its_token_a_sessions() {
        let keeper = keeper();
        assert!(keeper.is_key("right"));
        assert!(!keeper.is_key("wrong") && !keeper.is_key(""));
        let session = keeper.start(at(1));
        let other = Session { id: "ff".into(), ..session.clone() };
        assert!(keeper.is_csrf_token(&session, &keeper.csrf_token(&session)));
        assert!(!keeper.is_csrf_token(&other, &keeper.csrf_token(&session)));
    }
}
