//! The routes of the prompts.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpResponse,
    middleware::from_fn,
    web::{self, Data},
};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp_actix_web::transport::StreamableHttpService;
use serde::Deserialize;
use serde_json::json;

use super::{Mcp, guard, server::Session};
use crate::error::PageError;

const KEEP_ALIVE: Duration = Duration::from_secs(15);
const MAX_BODY: usize = 1024 * 1024;

impl Mcp {
    /// `/mcp`, for the gateway's port.
    pub fn routes(self: &Arc<Self>) -> impl Fn(&mut web::ServiceConfig) + Send + Clone + use<> {
        let mcp = Arc::clone(self);
        let sessions = Arc::clone(self);
        let protocol = StreamableHttpService::builder()
            .service_factory(Arc::new(move || Ok(Session(Arc::clone(&sessions)))))
            .session_manager(Arc::new(LocalSessionManager::default()))
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

    /// What stands below `/api`, behind the dashboard's guard.
    pub fn api_routes(self: &Arc<Self>) -> impl Fn(&mut web::ServiceConfig) + Send + Clone + use<> {
        let mcp = Arc::clone(self);
        move |service| {
            let scope = web::scope("/mcp")
                .app_data(Data::from(Arc::clone(&mcp)))
                .route("/prompts", web::get().to(list))
                .route("/prompts/{name}", web::get().to(one))
                .route("/sync", web::post().to(sync))
                .route("/sync/status", web::get().to(status));
            service.service(scope);
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    search: String,
}

async fn list(mcp: Data<Mcp>, asked: web::Query<Asked>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"prompts": mcp.library.search(&asked.search)}))
}

async fn one(mcp: Data<Mcp>, name: web::Path<String>) -> Result<HttpResponse, PageError> {
    let prompt = mcp.library.find(&name).ok_or_else(|| PageError::NotFound("prompt".into()))?;
    Ok(HttpResponse::Ok().json(&*prompt))
}

async fn sync(mcp: Data<Mcp>) -> Result<HttpResponse, PageError> {
    if mcp.request_sync() {
        Ok(HttpResponse::Accepted().json(json!({"status": mcp.sync_status()})))
    } else {
        Err(PageError::NotFound(
            "repository of prompts: set MCP_GITHUB_OWNER and MCP_GITHUB_REPO".into(),
        ))
    }
}

async fn status(mcp: Data<Mcp>) -> HttpResponse {
    let status = mcp.sync_status();
    HttpResponse::Ok().json(json!({"configured": status.is_some(), "status": status}))
}
