//! Who may speak to `/mcp`.

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header, uri::Authority},
    middleware::Next,
    web,
};

use super::{Mcp, discovery};
use crate::security::is_loopback_name;

/// The clients' keys, as the gateway knows them.
pub trait ClientKeys: Send + Sync + 'static {
    /// Whether any domain has a key. Without one, and only on loopback, prompts are open.
    fn any(&self) -> bool;

    /// Whether `key` is one of `domain`'s (the Host, lower-cased, without port). Takes the same time
    /// for every wrong key.
    fn is_key(&self, domain: &str, key: &str) -> bool;
}

/// From this version on the protocol has no sessions. Versions are dates, and sort as such.
const SESSIONLESS: &str = "2026-07-28";

/// Lets through who has a key; answers what is no MCP itself.
pub(super) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(mcp) = request.app_data::<web::Data<Mcp>>().cloned() else {
        return Ok(request.into_response(HttpResponse::InternalServerError()));
    };
    if !is_allowed(&mcp, request.request()) {
        let refused = HttpResponse::Unauthorized()
            .insert_header((header::WWW_AUTHENTICATE, "Bearer"))
            .json(serde_json::json!({"error": {"code": "unauthorized", "message": "a client key is needed"}}));
        return Ok(request.into_response(refused));
    }
    if *request.method() == Method::GET && !accepts_stream(request.request()) {
        return Ok(request.into_response(discovery::answer(&mcp)));
    }
    if may_start_session(request.request()) && is_full(&mcp).await {
        return Ok(request.into_response(full(&mcp)));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

fn is_allowed(mcp: &Mcp, request: &HttpRequest) -> bool {
    let host = host(request);
    if mcp.keys.any() {
        return presented(request).is_some_and(|key| mcp.keys.is_key(&domain(&host), key));
    }
    let here = request.app_config().local_addr().ip().is_loopback();
    here && is_loopback_name(&host)
}

/// Judged by the headers alone: where they contradict the body, the SDK refuses the request.
fn may_start_session(request: &HttpRequest) -> bool {
    let value = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_sessionless = value("mcp-protocol-version").is_some_and(|it| it >= SESSIONLESS)
        && value("mcp-method").is_some_and(|method| method != "initialize");
    *request.method() == Method::POST && value("mcp-session-id").is_none() && !is_sessionless
}

async fn is_full(mcp: &Mcp) -> bool {
    mcp.sessions.sessions.read().await.len() >= mcp.config.max_sessions
}

fn full(mcp: &Mcp) -> HttpResponse {
    let message = format!(
        "{} sessions are open, and no more can be; end one, or try again later",
        mcp.config.max_sessions
    );
    HttpResponse::ServiceUnavailable().json(serde_json::json!({
        "error": {"code": "too_many_sessions", "message": message}
    }))
}

fn presented(request: &HttpRequest) -> Option<&str> {
    let value = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let bearer = value("authorization").and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    });
    bearer.or_else(|| value("x-api-key"))
}

fn host(request: &HttpRequest) -> String {
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(Authority::as_str);
    header.or(authority).unwrap_or_default().to_ascii_lowercase()
}

fn domain(host: &str) -> String {
    match host.strip_prefix('[').and_then(|literal| literal.split_once(']')) {
        Some((literal, _)) => literal.to_owned(),
        None => host.split(':').next().unwrap_or_default().to_owned(),
    }
}

fn accepts_stream(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}
