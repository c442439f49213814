//! `/metrics` and `/health/*` of roles that have no HTTP port of their own.

use std::{net::TcpListener, sync::Arc};

use actix_web::{App, HttpResponse, HttpServer, web};
use metrics_exporter_prometheus::PrometheusHandle;
use nexus_store::Health;
use tokio_util::sync::CancellationToken;

/// What the answers need.
#[derive(Clone)]
pub struct Admin {
    pub metrics: PrometheusHandle,
    /// The store of the process, when it has one: without it a consumer is not ready.
    pub store: Option<Arc<dyn Health>>,
}

/// Serves until `shutdown`.
pub async fn run(
    admin: Admin,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(admin.clone()))
            .route("/metrics", web::get().to(metrics))
            .route("/health", web::get().to(ready))
            .route("/health/live", web::get().to(async || "live"))
            .route("/health/ready", web::get().to(ready))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    tokio::spawn(async move {
        shutdown.cancelled().await;
        handle.stop(true).await;
    });
    server.await
}

async fn metrics(admin: web::Data<Admin>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(admin.metrics.render())
}

async fn ready(admin: web::Data<Admin>) -> HttpResponse {
    let Some(store) = &admin.store else { return HttpResponse::Ok().body("ready") };
    match store.ping().await {
        Ok(()) => HttpResponse::Ok().body("ready"),
        Err(error) => {
            tracing::warn!(%error, "not ready: the store does not answer");
            HttpResponse::ServiceUnavailable().body("the store does not answer")
        }
    }
}
