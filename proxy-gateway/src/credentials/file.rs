//! What stands in a credential file, checked. The texts of errors never quote the file.

use actix_web::http::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::fingerprint::{Digest, Fingerprinter};
use crate::config::{DomainSlack, SlackOverrides};

/// One domain's credential.
#[derive(Debug, Clone)]
pub struct Credential {
    pub account_id: Option<String>,
    /// Digests of the client keys that may use it.
    pub client_keys: Vec<Digest>,
    pub secret: Secret,
    /// Where this domain's notices go.
    pub slack: DomainSlack,
}

/// What goes up.
#[derive(Debug, Clone)]
pub enum Secret {
    ApiKey(HeaderValue),
    OAuth(OAuthPair),
}

/// An OAuth access token and what renews it.
#[derive(Debug, Clone)]
pub struct OAuthPair {
    /// `Bearer …`.
    pub bearer: HeaderValue,
    pub refresh_token: SecretString,
    /// Milliseconds since the epoch.
    pub expires_at: i64,
}

/// Why a file is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// With the place, but without the text that stands there.
    #[error("it is not valid JSON of the expected form (line {line}, column {column})")]
    Json { line: usize, column: usize },
    #[error("`{0}` is empty, or holds what a header can't")]
    Value(&'static str),
    #[error("it can't be read: {0}")]
    Read(String),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Form {
    ApiKey {
        api_key: SecretString,
        #[serde(flatten)]
        common: Common,
    },
    #[serde(rename = "oauth")]
    OAuth {
        oauth: Tokens,
        #[serde(flatten)]
        common: Common,
    },
}

#[derive(Deserialize)]
struct Common {
    #[serde(rename = "accountId", default)]
    account_id: Option<String>,
    #[serde(default)]
    client_api_key: Keys,
    #[serde(default)]
    slack: Option<Slack>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    access_token: SecretString,
    refresh_token: SecretString,
    expires_at: i64,
}

/// One key, or several while they are being rotated.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Keys {
    One(SecretString),
    Several(Vec<SecretString>),
    #[default]
    None,
}

#[derive(Deserialize)]
struct Slack {
    #[serde(default)]
    webhook_url: Option<SecretString>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    icon_emoji: Option<String>,
    #[serde(default = "enabled")]
    enabled: bool,
}

const fn enabled() -> bool {
    true
}

impl Credential {
    /// Reads a file's text.
    pub fn parse(text: &[u8], fingerprinter: &Fingerprinter) -> Result<Self, FileError> {
        let form = serde_json::from_slice(text)
            .map_err(|error| FileError::Json { line: error.line(), column: error.column() })?;
        let (common, secret) = match form {
            Form::ApiKey { api_key, common } => {
                (common, Secret::ApiKey(header("", &api_key, "api_key")?))
            }
            Form::OAuth { oauth, common } => (common, Secret::OAuth(oauth.check()?)),
        };
        let client_keys = common.client_api_key.list();
        if client_keys.iter().any(|key| key.expose_secret().trim().is_empty()) {
            return Err(FileError::Value("client_api_key"));
        }
        Ok(Self {
            account_id: common.account_id.filter(|account| !account.is_empty()),
            client_keys: client_keys
                .iter()
                .map(|key| fingerprinter.digest(key.expose_secret()))
                .collect(),
            secret,
            slack: common.slack.map(Slack::check).unwrap_or_default(),
        })
    }
}

impl Tokens {
    fn check(self) -> Result<OAuthPair, FileError> {
        if self.refresh_token.expose_secret().is_empty() {
            return Err(FileError::Value("oauth.refreshToken"));
        }
        Ok(OAuthPair {
            bearer: header("Bearer ", &self.access_token, "oauth.accessToken")?,
            refresh_token: self.refresh_token,
            expires_at: self.expires_at,
        })
    }
}

impl Keys {
    fn list(self) -> Vec<SecretString> {
        match self {
            Self::One(key) => vec![key],
            Self::Several(keys) => keys,
            Self::None => Vec::new(),
        }
    }
}

impl Slack {
    fn check(self) -> DomainSlack {
        if !self.enabled {
            return DomainSlack::Off;
        }
        DomainSlack::On(SlackOverrides {
            webhook_url: self.webhook_url,
            channel: self.channel,
            username: self.username,
            icon_emoji: self.icon_emoji,
        })
    }
}

/// A header value that debugging output doesn't show.
fn header(
    prefix: &str,
    secret: &SecretString,
    name: &'static str,
) -> Result<HeaderValue, FileError> {
    let secret = secret.expose_secret();
    let value = HeaderValue::from_str(&format!("{prefix}{secret}"));
    let mut value = value.ok().filter(|_| !secret.is_empty()).ok_or(FileError::Value(name))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SlackConfig;

    fn parse(text: &str) -> Result<Credential, FileError> {
        Credential::parse(text.as_bytes(), &Fingerprinter::new(&"s".to_owned().into()))
    }

    const OAUTH: &str = r#"{"type":"oauth","accountId":"acc_1","client_api_key":["a","b"],
        "oauth":{"accessToken":"at","refreshToken":"rt","expiresAt":17,"scopes":["x"],"isMax":true}}"#;

    #[test]
    fn both_forms_are_read() {
        let api = parse(r#"{"type":"api_key","api_key":"sk","client_api_key":"a","odd":1}"#);
        let api = api.expect("valid");
        assert_eq!(api.client_keys.len(), 1);
        assert!(matches!(api.secret, Secret::ApiKey(key) if key == "sk"));
        let oauth = parse(OAUTH).expect("valid");
        assert_eq!((oauth.client_keys.len(), oauth.account_id.as_deref()), (2, Some("acc_1")));
        let Secret::OAuth(pair) = oauth.secret else { panic!("OAuth") };
        assert_eq!((pair.bearer, pair.expires_at), (HeaderValue::from_static("Bearer at"), 17));
    }

    #[test]
    fn no_cut_of_a_file_is_valid_and_no_error_quotes_it() {
        for cut in 0..OAUTH.len() {
            let error = parse(&OAUTH[..cut]).expect_err("cut short");
            assert!(!error.to_string().contains("acc_1"));
        }
        for text in [
            r#"{"type":"api_key","api_key":""}"#,
            r#"{"type":"api_key","api_key":"a\nb"}"#,
            r#"{"type":"api_key","api_key":"k","client_api_key":""}"#,
            r#"{"type":"other"}"#,
            "[]",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_domain_may_switch_notices_off() {
        let with = |slack: &str| {
            parse(&format!(r#"{{"type":"api_key","api_key":"k","slack":{slack}}}"#)).expect("valid")
        };
        let own = with(r#"{"webhook_url":"u"}"#).slack.over(None).expect("told");
        assert_eq!(own.webhook_url.expose_secret(), "u");
        let global = SlackConfig { channel: Some("#all".into()), ..SlackConfig::new("g".into()) };
        let channel = |slack: &str| {
            let told = with(slack).slack.over(Some(&global)).expect("told");
            (told.webhook_url.expose_secret().to_owned(), told.channel)
        };
        assert_eq!(channel(r##"{"channel":"#team"}"##), ("g".into(), Some("#team".into())));
        assert_eq!(channel("null"), ("g".into(), Some("#all".into())));
        assert_eq!(channel(r#"{"webhook_url":"u"}"#), ("u".into(), None));
        assert!(matches!(with(r#"{"webhook_url":"u","enabled":false}"#).slack, DomainSlack::Off));
        assert!(!format!("{:?}", with("null")).contains("\"k\""), "secrets don't show");
    }
}
