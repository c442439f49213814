//! The paths that clients may call.

mod service;
mod setup;
mod stats;

use actix_web::{
    HttpRequest, HttpResponse, Route,
    guard::{Any, Get, Head},
    web,
};

pub use self::service::worker;
use crate::{exchange, problem::Problem};

/// Mounts everything that the gateway answers or forwards.
pub fn configure(app: &mut web::ServiceConfig) {
    // The first that fits is taken: what comes most stands first, found without a regular expression.
    app.route("/v1", web::to(not_found))
        .service(web::scope("/v1").default_service(web::to(exchange::forward)))
        .route("/", read().to(service::information))
        .route("/health", read().to(service::health))
        .route("/health/live", read().to(service::live))
        .route("/health/ready", read().to(service::ready))
        .route("/metrics", read().to(service::metrics))
        .route("/token-stats", read().to(stats::token_stats))
        .route("/client-setup/{filename}", read().to(setup::file))
        .route("/api/hello", read().to(exchange::forward))
        .route("/api/event_logging/{rest:.*}", web::to(service::event_logging));
}

pub async fn not_found(request: HttpRequest, body: web::Payload) -> HttpResponse {
    exchange::hold(refuse(&request, &Problem::NotFound), body)
}

/// GET, and HEAD, by which load balancers and clients ask whether anybody is there.
fn read() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

/// An error where there is no exchange. It has an id all the same: whoever reports it can name it.
fn refuse(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    problem.response(&worker(request).state.deps.ids.mint().to_string())
}
