//! The one address that requests go to.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use url::Url;

/// `CLAUDE_API_BASE_URL`, taken apart.
#[derive(Debug, Clone)]
pub struct Target {
    pub tls: bool,
    /// Without brackets.
    pub host: Arc<str>,
    pub port: u16,
    /// Value of the `Host` header, and HTTP/2's authority.
    pub authority: Arc<str>,
    /// Stands before the client's path; empty or `/x` without a slash at the end.
    pub path_prefix: Arc<str>,
}

/// Why the base URL can't be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TargetError {
    #[error("CLAUDE_API_BASE_URL is not a URL: {0}")]
    NotUrl(#[from] url::ParseError),
    #[error("CLAUDE_API_BASE_URL must begin with http:// or https://")]
    Scheme,
    #[error("CLAUDE_API_BASE_URL has no host that can be called")]
    Host,
    #[error("CLAUDE_API_BASE_URL must not hold a user, a password, a query or a fragment")]
    Extra,
}

impl Target {
    pub fn parse(base_url: &str) -> Result<Self, TargetError> {
        let url = Url::parse(base_url)?;
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _other => return Err(TargetError::Scheme),
        };
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_plain {
            return Err(TargetError::Extra);
        }
        let written = url.host_str().ok_or(TargetError::Host)?;
        let host = written.trim_start_matches('[').trim_end_matches(']');
        if tls && ServerName::try_from(host).is_err() {
            return Err(TargetError::Host);
        }
        let authority = match url.port() {
            Some(port) => format!("{written}:{port}"),
            None => written.to_owned(),
        };
        Ok(Self {
            tls,
            host: host.into(),
            port: url.port_or_known_default().ok_or(TargetError::Host)?,
            authority: authority.into(),
            path_prefix: url.path().trim_end_matches('/').into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_may_have_a_path_and_a_port() {
        let target = Target::parse("http://localhost:9/gw/").expect("valid");
        assert_eq!((&*target.authority, &*target.path_prefix), ("localhost:9", "/gw"));
        let target = Target::parse("https://api.anthropic.com").expect("valid");
        assert_eq!((target.port, &*target.path_prefix), (443, ""));
        let target = Target::parse("http://[::1]:80").expect("valid");
        assert_eq!((&*target.host, &*target.authority), ("::1", "[::1]"));
    }

    #[test]
    fn what_cannot_be_called_is_refused() {
        assert_eq!(Target::parse("ftp://x").expect_err("scheme"), TargetError::Scheme);
        assert_eq!(Target::parse("https://u:p@x").expect_err("user"), TargetError::Extra);
        assert_eq!(Target::parse("https://x/?a=b").expect_err("query"), TargetError::Extra);
        assert!(Target::parse("api.anthropic.com").is_err());
    }
}
