//! `/client-setup/:filename`: what a person needs to point a client at this gateway.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web,
};
use serde_json::json;

use super::{refuse, worker};
use crate::{domain::Domain, problem::Problem};

/// Answers one of a few files, made for the address that the client used. None of them holds a key:
/// that comes from `NEXUS_CLIENT_KEY` of whoever uses the file.
pub async fn file(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    let Some(base) = base_url(&request) else {
        let problem = Problem::InvalidRequest("the Host header is missing or not valid");
        return refuse(&request, &problem);
    };
    let (kind, text) = match name.as_str() {
        "nexus.sh" => ("text/x-shellscript; charset=utf-8", shell(&base)),
        "nexus.ps1" => ("text/plain; charset=utf-8", powershell(&base)),
        "settings.json" => ("application/json", settings(&base, false)),
        "settings-with-key.json" => ("application/json", settings(&base, true)),
        _ => return refuse(&request, &Problem::NotFound),
    };
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text)
}

/// For the shells that read POSIX. The characters of a checked host need no more than these quotes.
fn shell(base: &str) -> String {
    format!(
        r#"# Points Claude Code and the Anthropic SDKs in this shell at Nexus:
#   eval "$(curl -fsS {base}/client-setup/nexus.sh)"
# With a client key of this gateway, set it before:
#   export NEXUS_CLIENT_KEY=cnp_live_...
export ANTHROPIC_BASE_URL='{base}'
# Claude Code says which request is a sub-agent's, a compaction, or work in the background.
export CLAUDE_CODE_GATEWAY_HINT_HEADERS=1
if [ -n "${{NEXUS_CLIENT_KEY:-}}" ]; then
  export ANTHROPIC_AUTH_TOKEN="$NEXUS_CLIENT_KEY"
  # Claude Code would send both, and asks which one is meant.
  unset ANTHROPIC_API_KEY
fi
"#
    )
}

fn powershell(base: &str) -> String {
    format!(
        r"# Points Claude Code and the Anthropic SDKs in this session at Nexus:
#   irm {base}/client-setup/nexus.ps1 | iex
# With a client key of this gateway, set it before:
#   $env:NEXUS_CLIENT_KEY = 'cnp_live_...'
$env:ANTHROPIC_BASE_URL = '{base}'
$env:CLAUDE_CODE_GATEWAY_HINT_HEADERS = '1'
if ($env:NEXUS_CLIENT_KEY) {{
  $env:ANTHROPIC_AUTH_TOKEN = $env:NEXUS_CLIENT_KEY
  Remove-Item Env:ANTHROPIC_API_KEY -ErrorAction SilentlyContinue
}}
"
    )
}

/// For `~/.claude/settings.json`. Claude Code runs the helper for its key.
fn settings(base: &str, with_key: bool) -> String {
    let mut settings = json!({
        "env": { "ANTHROPIC_BASE_URL": base, "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1" }
    });
    if with_key {
        settings["apiKeyHelper"] = json!("printenv NEXUS_CLIENT_KEY");
    }
    format!("{settings:#}\n")
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
    // An IPv4 address counts as such also where a dual-stack socket writes it as IPv6.
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let is_trusted = peer.is_some_and(|peer| trusted.iter().any(|network| network.contains(&peer)));
    let says_tls = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"https");
    is_trusted && request.headers().get(header::X_FORWARDED_PROTO).is_some_and(says_tls)
}
