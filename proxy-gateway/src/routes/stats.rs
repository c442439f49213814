//! `/token-stats`: token counts per domain since the process started.

use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{refuse, worker};
use crate::{access::bearer, credentials::is_among, problem::Problem, server::Worker};

#[derive(Debug, Deserialize)]
pub struct Query {
    domain: Option<String>,
}

/// Needs the dashboard's key when one is set.
pub async fn token_stats(request: HttpRequest, query: web::Query<Query>) -> HttpResponse {
    let worker = worker(&request);
    let key = worker.state.config.access.dashboard_key.as_ref();
    if key.is_some_and(|key| !shows_key(&request, worker, key)) {
        return refuse(&request, &Problem::DashboardKey);
    }
    HttpResponse::Ok().json(worker.state.stats.list(query.domain.as_deref()))
}

/// Compared as HMACs, in constant time.
fn shows_key(request: &HttpRequest, worker: &Worker, key: &SecretString) -> bool {
    let headers = request.headers();
    let direct = headers.get("x-dashboard-key").and_then(|value| value.to_str().ok());
    let bearer = headers.get("authorization").and_then(bearer);
    let fingerprinter = worker.state.access.credentials.fingerprinter();
    let expected = [fingerprinter.digest(key.expose_secret())];
    direct.or(bearer).is_some_and(|shown| is_among(&fingerprinter.digest(shown), &expected))
}
