//! The dashboard's port.

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, middleware::from_fn, web};
use tokio_util::sync::CancellationToken;

use crate::{
    DashboardError, api, assets,
    config::DashboardConfig,
    deps::{Dashboard, Deps},
    error::PageError,
    live, pages, security,
};

/// How long answers may take to end after the shutdown began. Live streams never end by themselves.
const DRAIN_SECONDS: u64 = 1;

/// Time in which an unused connection stays open: longer than load balancers keep theirs (nginx 60 s), or one
/// would be closed just when a request comes on it.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Serves the dashboard on `listener` until `shutdown`.
pub async fn run(
    config: DashboardConfig,
    listener: TcpListener,
    deps: Deps,
    shutdown: CancellationToken,
) -> Result<(), DashboardError> {
    Dashboard::new(config, deps)?.serve(listener, shutdown).await
}

impl Dashboard {
    /// Serves pages, API and assets on `listener`, and feeds the live hub, until `shutdown`.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), DashboardError> {
        let hub = Arc::clone(&self.hub);
        let pump =
            tokio::spawn(live::pump(hub, Arc::clone(&self.deps.live), shutdown.child_token()));
        // For the first page, which should not wait for them; a failure is told by that page.
        let early = Arc::clone(&self);
        let names = tokio::spawn(async move {
            let _read = early.names.known(&early.deps.queries, early.deps.clock.now()).await;
        });
        let dashboard = Arc::clone(&self);
        let server = HttpServer::new(move || {
            App::new().wrap(from_fn(security::with_headers)).configure(dashboard.routes())
        })
        .workers(2)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(Duration::from_secs(15))
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals()
        .listen(listener)?
        .run();
        let handle = server.handle();
        let stopper = tokio::spawn(async move {
            shutdown.cancelled().await;
            handle.stop(true).await;
        });
        let served = server.await;
        stopper.abort();
        pump.abort();
        names.abort();
        Ok(served?)
    }

    /// Everything that the dashboard's own port answers.
    pub(crate) fn routes(
        self: &Arc<Self>,
    ) -> impl Fn(&mut web::ServiceConfig) + Send + Clone + use<> {
        let dashboard = Arc::clone(self);
        move |service| {
            service
                .app_data(web::Data::from(Arc::clone(&dashboard)))
                .app_data(web::QueryConfig::default().error_handler(|error, _| wrong(error)))
                .route("/health", web::get().to(healthy))
                .route("/health/live", web::get().to(healthy))
                .route("/health/ready", web::get().to(healthy))
                .route("/favicon.ico", web::get().to(assets::favicon))
                .route("/assets/{name}", web::get().to(assets::serve))
                .configure(dashboard.api_routes())
                .configure(pages::routes);
        }
    }

    /// `/api`, guarded, for the dashboard's port and, under `nexus up`, the gateway's.
    pub fn api_routes(self: &Arc<Self>) -> impl Fn(&mut web::ServiceConfig) + Send + Clone + use<> {
        let dashboard = Arc::clone(self);
        move |service| {
            let scope = web::scope("/api")
                .app_data(web::Data::from(Arc::clone(&dashboard)))
                .app_data(web::JsonConfig::default().error_handler(|error, _| wrong(error)))
                .app_data(web::QueryConfig::default().error_handler(|error, _| wrong(error)))
                .app_data(web::PathConfig::default().error_handler(|error, _| wrong(error)))
                .wrap(from_fn(security::api))
                .wrap(from_fn(security::with_headers))
                .route("/events", web::get().to(live::events))
                .configure(api::routes);
            service.service(scope);
        }
    }
}

/// What an extractor refuses, in words of ours.
fn wrong(error: impl std::fmt::Display) -> actix_web::Error {
    PageError::BadRequest(error.to_string()).into()
}

async fn healthy() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({"status": "ok"}))
}
