//! Who a request is from, and whether it may change anything.

use std::net::IpAddr;

use actix_web::HttpRequest;

use super::{
    COOKIE, Session,
    address::{client_address, host},
    cookie::find_cookie,
};
use crate::{deps::Dashboard, error::PageError};

/// Who looks.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The login, when there is one.
    pub session: Option<Session>,
    /// Proved the key with this very request (`X-Dashboard-Key`).
    pub has_key: bool,
    /// No key is set: look, but don't touch.
    pub read_only: bool,
    pub address: IpAddr,
}

impl Visitor {
    /// Under what name the visitor's limits and audit entries run.
    pub fn name(&self) -> String {
        match &self.session {
            Some(session) => format!("session {}", session.id.get(..8).unwrap_or_default()),
            None if self.has_key => "key".into(),
            None => self.address.to_string(),
        }
    }
}

/// Finds out who asks; an error when a key is set and the request shows neither it nor a session.
pub fn identify(dashboard: &Dashboard, request: &HttpRequest) -> Result<Visitor, PageError> {
    let address = client_address(request, &dashboard.config.trusted_proxies);
    let read_only = dashboard.keeper.is_read_only();
    if read_only {
        require_loopback_name(request)?;
        return Ok(Visitor { session: None, has_key: false, read_only, address });
    }
    let has_key = presented_key(dashboard, request, address)?;
    let session = find_cookie(request, COOKIE)
        .and_then(|cookie| dashboard.keeper.open(cookie, dashboard.deps.clock.now()));
    if !has_key && session.is_none() {
        return Err(PageError::LoginNeeded);
    }
    Ok(Visitor { session, has_key, read_only, address })
}

/// A key in the header is checked under the same limit as one in the form.
fn presented_key(
    dashboard: &Dashboard,
    request: &HttpRequest,
    address: IpAddr,
) -> Result<bool, PageError> {
    let Some(key) = request.headers().get("x-dashboard-key") else { return Ok(false) };
    let now = dashboard.deps.clock.now();
    if let Some(wait) = dashboard.logins.wait(address, now) {
        return Err(PageError::TooMany(wait));
    }
    let right = key.to_str().is_ok_and(|key| dashboard.keeper.is_key(key));
    if !right {
        dashboard.logins.failed(address, now);
    }
    Ok(right)
}

/// Without a key, a page of another site could rebind its name to 127.0.0.1 and read everything.
fn require_loopback_name(request: &HttpRequest) -> Result<(), PageError> {
    if !request.app_config().local_addr().ip().is_loopback() {
        return Ok(());
    }
    if host(request).is_some_and(is_loopback_name) {
        return Ok(());
    }
    Err(PageError::Forbidden("this dashboard answers only under localhost, 127.0.0.1 or [::1]"))
}

pub fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a write may go on. A session has to show its CSRF token; a key in a header needs none,
/// because no other site can make a browser send it.
pub fn may_write(
    dashboard: &Dashboard,
    visitor: &Visitor,
    token: Option<&str>,
) -> Result<(), PageError> {
    if visitor.read_only {
        return Err(PageError::Forbidden(
            "the dashboard is read-only: set DASHBOARD_API_KEY to allow changes",
        ));
    }
    if visitor.has_key {
        return Ok(());
    }
    let session = visitor.session.as_ref().ok_or(PageError::LoginNeeded)?;
    if token.is_some_and(|token| dashboard.keeper.is_csrf_token(session, token)) {
        return Ok(());
    }
    Err(PageError::Forbidden("the form is too old: reload the page and try again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names() {
        for good in [
            "localhost",
            "LOCALHOST:3001",
            "127.0.0.1:3001",
            "127.1.2.3",
            "[::1]:3001",
            "nexus.localhost",
        ] {
            assert!(is_loopback_name(good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "[::2]",
            "127.0.0.1.evil.example",
        ] {
            assert!(!is_loopback_name(bad), "{bad}");
        }
    }
}
