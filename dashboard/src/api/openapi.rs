//! The API's own description.

use actix_web::HttpResponse;

/// OpenAPI 3.1; a test calls every route and holds its answer against this.
pub const DESCRIPTION: &str = include_str!("openapi.json");

pub async fn serve() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DESCRIPTION)
}
