//! The built assets, embedded, under names that change with their content.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use rust_embed::RustEmbed;

use crate::{DashboardError, deps::Dashboard, error::PageError};

#[derive(RustEmbed)]
#[folder = "assets/dist"]
struct Dist;

/// From a plain name (`style.css`) to the address that holds its hash.
#[derive(Debug, Clone)]
pub struct Assets(BTreeMap<String, String>);

impl Assets {
    /// Reads the manifest of the build.
    pub fn load() -> Result<Self, DashboardError> {
        let missing = || DashboardError::Asset("manifest.json".into());
        let manifest = Dist::get("manifest.json").ok_or_else(missing)?;
        let names: BTreeMap<String, String> =
            serde_json::from_slice(&manifest.data).map_err(|_unreadable| missing())?;
        Ok(Self(
            names.into_iter().map(|(plain, hashed)| (plain, format!("/assets/{hashed}"))).collect(),
        ))
    }

    /// The address of an asset; empty when there is no such one, which a template test would show.
    pub fn url(&self, plain: &str) -> &str {
        self.0.get(plain).map_or("", String::as_str)
    }
}

/// `GET /assets/{name}`: brotli where the browser takes it, cached for ever.
pub async fn serve(
    request: HttpRequest,
    name: web::Path<String>,
) -> Result<HttpResponse, PageError> {
    let missing = || PageError::NotFound("such asset".into());
    let takes_brotli = request
        .headers()
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("br"));
    let packed = if takes_brotli { Dist::get(&format!("{name}.br")) } else { None };
    let mut answer = HttpResponse::Ok();
    if packed.is_some() {
        answer.insert_header((header::CONTENT_ENCODING, "br"));
    }
    let file = packed.or_else(|| Dist::get(&name)).ok_or_else(missing)?;
    Ok(answer
        .insert_header((header::CONTENT_TYPE, content_type(&name).ok_or_else(missing)?))
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::VARY, "accept-encoding"))
        .body(file.data.into_owned()))
}

/// `GET /favicon.ico`, which browsers ask for whatever the page says.
pub async fn favicon(dashboard: web::Data<Dashboard>) -> HttpResponse {
    HttpResponse::MovedPermanently()
        .insert_header((header::LOCATION, dashboard.assets.url("logo.svg")))
        .finish()
}

fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}
