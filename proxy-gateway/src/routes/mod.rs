//! The paths that clients may call.

mod service;
mod setup;
mod stats;

use actix_web::{HttpRequest, HttpResponse, web};

pub use self::service::worker;
use crate::{exchange, problem::Problem};

/// Mounts everything that the gateway answers or forwards.
pub fn configure(app: &mut web::ServiceConfig) {
    app.route("/", web::get().to(service::information))
        .route("/health", web::get().to(service::health))
        .route("/health/live", web::get().to(service::live))
        .route("/health/ready", web::get().to(service::ready))
        .route("/metrics", web::get().to(service::metrics))
        .route("/token-stats", web::get().to(stats::token_stats))
        .route("/client-setup/{filename}", web::get().to(setup::file))
        .route("/api/hello", web::get().to(exchange::forward))
        .route("/api/hello", web::head().to(exchange::forward))
        .route("/v1/{rest:.*}", web::to(exchange::forward))
        .route("/api/event_logging/{rest:.*}", web::to(service::event_logging));
}

pub async fn not_found(_request: HttpRequest) -> HttpResponse {
    Problem::NotFound.response("")
}
