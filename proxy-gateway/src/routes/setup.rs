//! `/client-setup/:filename`: what a person needs to point a client at this gateway.

use std::net::IpAddr;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web,
};
use serde_json::json;

use super::worker;
use crate::{domain::Domain, problem::Problem};

/// Answers one of a few files, made for the address that the client used.
pub async fn file(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    let Some(base) = base_url(&request) else {
        return Problem::InvalidRequest("the Host header is missing or not valid").response("");
    };
    let (kind, text) = match name.as_str() {
        "nexus.sh" => ("text/x-shellscript; charset=utf-8", shell(&base)),
        "nexus.ps1" => {
            ("text/plain; charset=utf-8", format!("$env:ANTHROPIC_BASE_URL = '{base}'\n"))
        }
        "settings.json" => ("application/json", settings(&base)),
        _ => return Problem::NotFound.response(""),
    };
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text)
}

fn shell(base: &str) -> String {
    format!(
        "# Source this file: . nexus.sh\nexport ANTHROPIC_BASE_URL='{base}'\n\
         # With a client key of this gateway:\n# export ANTHROPIC_AUTH_TOKEN='cnp_live_...'\n"
    )
}

/// For `~/.claude/settings.json`.
fn settings(base: &str) -> String {
    format!("{:#}\n", json!({ "env": { "ANTHROPIC_BASE_URL": base } }))
}

/// Only a checked host is echoed.
fn base_url(request: &HttpRequest) -> Option<String> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    Domain::parse(host)?;
    let scheme = if is_forwarded_tls(request) { "https" } else { "http" };
    Some(format!("{scheme}://{}", host.to_ascii_lowercase()))
}

/// Whether a trusted proxy in front took the request over TLS.
fn is_forwarded_tls(request: &HttpRequest) -> bool {
    let trusted = &worker(request).state.config.clients.trusted_proxies;
    let peer: Option<IpAddr> = request.peer_addr().map(|peer| peer.ip());
    let is_trusted = peer.is_some_and(|peer| trusted.contains(&peer));
    let says_tls = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"https");
    is_trusted && request.headers().get(header::X_FORWARDED_PROTO).is_some_and(says_tls)
}
