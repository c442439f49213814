//! The data API: what scripts and the pages' fragments read as JSON.
//!
//! Every route stands in `openapi.json`, which a test holds against the answers.

mod accounts;
mod analyses;
mod answer;
mod cache;
mod conversations;
mod csv;
mod export;
mod import;
mod miss;
mod openapi;
mod params;
mod pipeline;
mod recorded;
mod requests;
mod sliding;
mod spark;
mod stats;
mod usage;

use actix_web::{
    Resource, Route,
    body::BoxBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web::{self, ServiceConfig},
};

pub(crate) use self::analyses::{Wanted as WantedAnalysis, named_branch};
pub(crate) use self::answer::clean;
pub(crate) use self::cache::Answers;
pub use self::recorded::StoredRecordings;
pub(crate) use self::spark::{batch as list_feedback, send as send_feedback};
pub(crate) use self::usage::midnight;
use crate::error::PageError;

/// The routes below `/api`.
pub fn routes(service: &mut ServiceConfig) {
    service
        .configure(crate::mcp::api_routes)
        .service(sum("/stats", web::get().to(stats::totals)))
        .service(sum("/dashboard/stats", web::get().to(stats::dashboard)))
        .service(only("/requests", web::get().to(requests::list)))
        .service(only("/requests/export", web::get().to(export::requests)))
        .service(only("/requests/{id}", web::get().to(requests::one)))
        .service(only("/requests/{id}/body/{part}", web::get().to(requests::body_bytes)))
        .service(only("/conversations", web::get().to(conversations::list)))
        .service(only("/conversations/{id}", web::get().to(conversations::one)))
        .service(sum("/domains", web::get().to(accounts::domains)))
        .service(sum("/accounts", web::get().to(accounts::accounts)))
        .service(sum("/token-usage/current", web::get().to(usage::current)))
        .service(sum("/token-usage/daily", web::get().to(usage::daily)))
        .service(sum("/token-usage/time-series", web::get().to(usage::time_series)))
        .service(sum("/token-usage/accounts", web::get().to(usage::accounts)))
        .service(only("/token-usage/export", web::get().to(export::usage)))
        .service(sum("/usage/requests/hourly", web::get().to(usage::hourly)))
        .service(sum("/usage/tokens/hourly", web::get().to(usage::hourly)))
        .service(sum("/analytics/token-usage/sliding-window", web::get().to(usage::sliding_window)))
        .service(only("/openapi.json", web::get().to(openapi::serve)))
        .service(only("/import", web::post().to(import::import)))
        .service(
            only("/analyses", web::get().to(analyses::list))
                .route(web::post().to(analyses::create)),
        )
        .service(only("/analyses/{conversation}/{branch}", web::get().to(analyses::one)))
        .service(only(
            "/analyses/{conversation}/{branch}/regenerate",
            web::post().to(analyses::regenerate),
        ))
        .service(only("/pipeline", web::get().to(pipeline::status)))
        .service(only("/spark/feedback", web::post().to(spark::send)))
        .service(only("/spark/feedback/batch", web::post().to(spark::batch)))
        .service(only("/spark/sessions/{id}/feedback", web::get().to(spark::session)))
        .default_service(web::to(unknown));
}

/// A path with one method; any other is refused in the API's own words.
fn only(path: &str, route: Route) -> Resource {
    web::resource(path).route(route).default_service(web::to(other_method))
}

/// A sum over many rows, which is kept for a while.
fn sum(
    path: &str,
    route: Route,
) -> Resource<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    only(path, route).wrap(from_fn(cache::cached))
}

async fn other_method() -> Result<&'static str, PageError> {
    Err(PageError::Method)
}

async fn unknown() -> Result<&'static str, PageError> {
    Err(PageError::NotFound("route of that name and method".into()))
}
