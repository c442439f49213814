//! Logging in and out.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use serde::{Deserialize, Serialize};

use crate::{
    error::PageError,
    security::{COOKIE, client_address, hidden_cookie, is_https},
    view::{Ctx, Fragment, Page, Place, format},
};

/// The form.
#[derive(Debug, Serialize)]
pub struct LoginPage {
    next: String,
    /// What is wrong with the last try.
    error: Option<String>,
}

impl Fragment for LoginPage {
    const TEMPLATE: &'static str = "login.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let error = Some("This key is wrong.".into());
        vec![Self { next: "/".into(), error: None }, Self { next: "/usage".into(), error }]
    }
}

impl Page for LoginPage {
    const PLACE: Place = Place::None;

    fn title(&self) -> String {
        "Log in".into()
    }
}

#[derive(Debug, Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct Credentials {
    key: String,
    #[serde(default)]
    next: String,
}

/// `GET /login`.
pub async fn form(ctx: Ctx, next: web::Query<Next>) -> Result<HttpResponse, PageError> {
    if ctx.dashboard.keeper.is_read_only() {
        return Ok(see_other("/"));
    }
    ctx.bare_page(&LoginPage { next: local(&next.next), error: None }, StatusCode::OK)
}

/// `POST /login`: a session for the right key; the form again, with the reason, for a wrong one.
pub async fn log_in(
    ctx: Ctx,
    request: HttpRequest,
    credentials: web::Form<Credentials>,
) -> Result<HttpResponse, PageError> {
    let dashboard = &ctx.dashboard;
    let address = client_address(&request, &dashboard.config.trusted_proxies);
    let next = local(&credentials.next);
    if let Some(wait) = dashboard.logins.wait(address, ctx.now()) {
        let error = Some(format!("Too many wrong keys. Try again in {}.", format::wait(&wait)));
        let mut page = ctx.bare_page(&LoginPage { next, error }, StatusCode::TOO_MANY_REQUESTS)?;
        page.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
        return Ok(page);
    }
    if !dashboard.keeper.is_key(&credentials.key) {
        dashboard.logins.failed(address, ctx.now());
        tracing::warn!(%address, "wrong dashboard key");
        let error = Some("This key is wrong. It is the value of DASHBOARD_API_KEY.".into());
        return ctx.bare_page(&LoginPage { next, error }, StatusCode::UNAUTHORIZED);
    }
    dashboard.logins.succeeded(address);
    let session = dashboard.keeper.start(ctx.now());
    let lifetime = dashboard.config.session_lifetime.as_secs();
    let secure = is_https(&request, &dashboard.config.trusted_proxies);
    Ok(with_cookie(
        &next,
        &hidden_cookie(COOKIE, &dashboard.keeper.seal(&session), lifetime, secure),
    ))
}

/// `POST /logout`: the session ends for good, not only in this browser.
pub async fn log_out(ctx: Ctx, request: HttpRequest) -> Result<HttpResponse, PageError> {
    if let Some(session) = ctx.visitor.as_ref().and_then(|visitor| visitor.session.as_ref()) {
        ctx.dashboard.keeper.end(session);
    }
    let secure = is_https(&request, &ctx.dashboard.config.trusted_proxies);
    Ok(with_cookie("/login", &hidden_cookie(COOKIE, "", 0, secure)))
}

fn with_cookie(place: &str, cookie: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, place))
        .insert_header((header::SET_COOKIE, cookie))
        .finish()
}

/// Only a path of this server: an address from outside must not be where a login leads.
fn local(next: &str) -> String {
    let path =
        next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n']);
    if path && !next.starts_with("/login") { next.into() } else { "/".into() }
}

fn see_other(place: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, place)).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_only_to_this_server() {
        assert_eq!(local("/usage?range=7d"), "/usage?range=7d");
        for foreign in
            ["//evil.example", "https://evil.example", "/\\evil.example", "", "/login", "/a\r\nb"]
        {
            assert_eq!(local(foreign), "/", "{foreign:?}");
        }
    }
}
