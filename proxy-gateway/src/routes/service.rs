//! What the gateway says of itself.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde_json::json;

use crate::server::Worker;

/// The worker that serves `request`.
pub fn worker(request: &HttpRequest) -> &Rc<Worker> {
    #[expect(clippy::expect_used, reason = "`server::serve` puts it there for every request")]
    request.app_data::<Rc<Worker>>().expect("every worker has its state")
}

pub async fn information(request: HttpRequest) -> HttpResponse {
    let config = &worker(&request).state.config;
    HttpResponse::Ok().json(json!({
        "service": "nexus-gateway",
        "version": config.version,
        "instance": config.instance,
        "endpoints": ["/v1/*", "/api/hello", "/health", "/metrics", "/token-stats"],
    }))
}

/// Says how many domains there are and how many have a problem, never which: that is for
/// `nexus doctor` and `nexus credentials status`.
pub async fn health(request: HttpRequest) -> HttpResponse {
    let state = &worker(&request).state;
    let credentials = state.access.credentials.statuses();
    let problems = credentials.iter().filter(|status| status.problem.is_some()).count();
    HttpResponse::Ok().json(json!({
        "status": if problems == 0 { "ok" } else { "degraded" },
        "version": state.config.version,
        "credentials": { "domains": credentials.len(), "problems": problems },
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

/// Clients log their own events here; they are accepted and go nowhere.
pub async fn event_logging(_body: web::Payload) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}
