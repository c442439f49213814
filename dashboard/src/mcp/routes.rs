//! The routes of the prompts.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpResponse,
    middleware::from_fn,
    web::{self, Data},
};
use rmcp_actix_web::transport::StreamableHttpService;
use serde::Deserialize;
use serde_json::json;

use super::{Mcp, guard, server::Session};
use crate::{deps::Dashboard, error::PageError};

const KEEP_ALIVE: Duration = Duration::from_secs(15);
const MAX_BODY: usize = 1024 * 1024;

impl Mcp {
    /// `/mcp`, for the gateway's port.
    pub fn routes(self: &Arc<Self>) -> impl Fn(&mut web::ServiceConfig) + Send + Clone + use<> {
        let mcp = Arc::clone(self);
        let sessions = Arc::clone(self);
        let protocol = StreamableHttpService::builder()
            .service_factory(Arc::new(move || Ok(Session(Arc::clone(&sessions)))))
            .session_manager(Arc::clone(&self.sessions))
            .stateful_mode(true)
            .sse_keep_alive(KEEP_ALIVE)
            .max_request_body_bytes(MAX_BODY)
            // The guard has looked at the Host, and knows more of it.
            .allowed_hosts(Vec::new())
            .build();
        move |service| {
            let scope = web::scope("/mcp")
                .app_data(Data::from(Arc::clone(&mcp)))
                .wrap(from_fn(guard::guard))
                .service(protocol.clone().scope());
            service.service(scope);
        }
    }
}

/// What stands below `/api/mcp`, behind the dashboard's guard.
pub(crate) fn api_routes(service: &mut web::ServiceConfig) {
    service
        .route("/mcp/prompts", web::get().to(list))
        .route("/mcp/prompts/{name}", web::get().to(one))
        .route("/mcp/sync", web::post().to(sync))
        .route("/mcp/sync/status", web::get().to(status));
}

fn prompts(dashboard: &Dashboard) -> Result<&Arc<Mcp>, PageError> {
    let off = || PageError::NotFound("prompt: set MCP_ENABLED=true to serve prompts".into());
    dashboard.prompts.get().ok_or_else(off)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    search: String,
}

async fn list(
    dashboard: Data<Dashboard>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, PageError> {
    let found = prompts(&dashboard)?.library.search(&asked.search);
    Ok(HttpResponse::Ok().json(json!({"prompts": found})))
}

async fn one(
    dashboard: Data<Dashboard>,
    name: web::Path<String>,
) -> Result<HttpResponse, PageError> {
    let prompt = prompts(&dashboard)?
        .library
        .find(&name)
        .ok_or_else(|| PageError::NotFound("prompt".into()))?;
    Ok(HttpResponse::Ok().json(&*prompt))
}

async fn sync(dashboard: Data<Dashboard>) -> Result<HttpResponse, PageError> {
    let mcp = prompts(&dashboard)?;
    if mcp.request_sync() {
        Ok(HttpResponse::Accepted().json(json!({"status": mcp.sync_status()})))
    } else {
        Err(PageError::NotFound(
            "repository of prompts: set MCP_GITHUB_OWNER and MCP_GITHUB_REPO".into(),
        ))
    }
}

async fn status(dashboard: Data<Dashboard>) -> Result<HttpResponse, PageError> {
    let status = prompts(&dashboard)?.sync_status();
    Ok(HttpResponse::Ok().json(json!({"configured": status.is_some(), "status": status})))
}
