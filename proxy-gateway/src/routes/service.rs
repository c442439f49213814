//! What the gateway says of itself.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use futures::StreamExt;
use serde_json::json;

use crate::{credentials::DirectoryProblem, exchange, server::Worker};

/// The worker that serves `request`.
pub fn worker(request: &HttpRequest) -> &Rc<Worker> {
    #[expect(clippy::expect_used, reason = "`server::serve` puts it there for every request")]
    request.app_data::<Rc<Worker>>().expect("every worker has its state")
}

/// What the gateway answers by itself or forwards.
const ENDPOINTS: [&str; 7] = [
    "/v1/*",
    "/api/hello",
    "/api/event_logging/*",
    "/health",
    "/metrics",
    "/token-stats",
    "/client-setup/*",
];

pub async fn information(request: HttpRequest) -> HttpResponse {
    let config = &worker(&request).state.config;
    let mounted = config.mounted.iter().map(String::as_str);
    let endpoints: Vec<_> = ENDPOINTS.into_iter().chain(mounted).collect();
    HttpResponse::Ok().json(json!({
        "service": "nexus-gateway",
        "version": config.version,
        "instance": config.instance,
        "endpoints": endpoints,
    }))
}

/// Says how many domains there are and how many have a problem, never which: that is for
/// `nexus doctor` and `nexus credentials status`.
pub async fn health(request: HttpRequest) -> HttpResponse {
    let state = &worker(&request).state;
    let credentials = &state.access.credentials;
    let statuses = credentials.statuses();
    let problems = statuses.iter().filter(|status| status.problem.is_some()).count();
    let directory = match credentials.directory_problem().as_deref() {
        None => "ok",
        Some(DirectoryProblem::Missing) => "missing",
        Some(DirectoryProblem::Unreadable(_)) => "unreadable",
    };
    let is_fine = problems == 0 && directory != "unreadable";
    HttpResponse::Ok().json(json!({
        "status": if is_fine { "ok" } else { "degraded" },
        "version": state.config.version,
        "credentials": { "directory": directory, "domains": statuses.len(), "problems": problems },
    }))
}

pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// Whether new requests should come here: not while the process drains.
pub async fn ready(request: HttpRequest) -> HttpResponse {
    if worker(&request).shutdown.is_cancelled() {
        return HttpResponse::ServiceUnavailable().json(json!({ "status": "draining" }));
    }
    HttpResponse::Ok().json(json!({ "status": "ready" }))
}

pub async fn metrics(request: HttpRequest) -> HttpResponse {
    let text = (worker(&request).state.deps.render_metrics)();
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4")).body(text)
}

/// Bytes of a client's own events that are read; a larger body costs its connection.
const MAX_EVENTS: usize = 1 << 20;

/// Clients log their own events here; they are accepted and go nowhere.
pub async fn event_logging(request: HttpRequest, mut body: web::Payload) -> HttpResponse {
    let patience = worker(&request).state.config.clients.stall_timeout;
    let is_read = tokio::time::timeout(patience, read_away(&mut body)).await.unwrap_or(false);
    let accepted = HttpResponse::Ok().json(json!({ "status": "ok" }));
    if is_read { accepted } else { exchange::hold(accepted, body) }
}

/// Whether the body came to its end.
async fn read_away(body: &mut web::Payload) -> bool {
    let mut left = MAX_EVENTS;
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) if chunk.len() <= left => left -= chunk.len(),
            _ => return false,
        }
    }
    true
}
