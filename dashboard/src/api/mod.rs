//! The data API: what scripts and the pages' fragments read as JSON.
//!
//! Every route stands in `openapi.json`, which a test holds against the answers.

mod accounts;
mod analyses;
mod answer;
mod conversations;
mod csv;
mod export;
mod import;
mod openapi;
mod params;
mod pipeline;
mod recorded;
mod requests;
mod sliding;
mod spark;
mod stats;
mod usage;

use actix_web::web::{self, ServiceConfig};

pub use self::recorded::StoredRecordings;
pub(crate) use self::spark::send as send_feedback;
use crate::error::PageError;

/// The routes below `/api`.
pub fn routes(service: &mut ServiceConfig) {
    service
        .configure(crate::mcp::api_routes)
        .route("/stats", web::get().to(stats::totals))
        .route("/dashboard/stats", web::get().to(stats::dashboard))
        .route("/requests", web::get().to(requests::list))
        .route("/requests/export", web::get().to(export::requests))
        .route("/requests/{id}", web::get().to(requests::one))
        .route("/requests/{id}/body/{part}", web::get().to(requests::body_bytes))
        .route("/conversations", web::get().to(conversations::list))
        .route("/conversations/{id}", web::get().to(conversations::one))
        .route("/domains", web::get().to(accounts::domains))
        .route("/accounts", web::get().to(accounts::accounts))
        .route("/token-usage/current", web::get().to(usage::current))
        .route("/token-usage/daily", web::get().to(usage::daily))
        .route("/token-usage/time-series", web::get().to(usage::time_series))
        .route("/token-usage/accounts", web::get().to(usage::accounts))
        .route("/token-usage/export", web::get().to(export::usage))
        .route("/usage/requests/hourly", web::get().to(usage::hourly))
        .route("/usage/tokens/hourly", web::get().to(usage::hourly))
        .route("/analytics/token-usage/sliding-window", web::get().to(usage::sliding_window))
        .route("/openapi.json", web::get().to(openapi::serve))
        .route("/import", web::post().to(import::import))
        .route("/analyses", web::post().to(analyses::create))
        .route("/analyses/{conversation}/{branch}", web::get().to(analyses::one))
        .route("/analyses/{conversation}/{branch}/regenerate", web::post().to(analyses::regenerate))
        .route("/pipeline", web::get().to(pipeline::status))
        .route("/spark/feedback", web::post().to(spark::send))
        .route("/spark/feedback/batch", web::post().to(spark::batch))
        .route("/spark/sessions/{id}/feedback", web::get().to(spark::session))
        .default_service(web::to(unknown));
}

async fn unknown() -> Result<&'static str, PageError> {
    Err(PageError::NotFound("route of that name and method".into()))
}
