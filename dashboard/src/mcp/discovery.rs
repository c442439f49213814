//! What `/mcp` says of itself to who does not speak the protocol.

use actix_web::HttpResponse;
use rmcp::model::ProtocolVersion;

use super::Mcp;

pub(super) fn answer(mcp: &Mcp) -> HttpResponse {
    let versions = ProtocolVersion::KNOWN_VERSIONS.iter().map(ToString::to_string);
    HttpResponse::Ok().json(serde_json::json!({
        "name": "nexus",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Prompts of this Nexus, over the Model Context Protocol",
        "transport": "streamable-http",
        "endpoint": "/mcp",
        "protocolVersions": versions.collect::<Vec<_>>(),
        "capabilities": {"prompts": {"listChanged": true}},
        "prompts": mcp.library.all().len(),
    }))
}
