//! The export tab.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{data, head::Head};
use crate::{
    error::PageError,
    view::{Crumb, Ctx, Fragment, Page, Place, format},
};

#[derive(Debug, Default, Deserialize)]
pub struct ExportQuery {
    branch: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct ExportPage {
    head: Head,
    branch: Option<String>,
    /// For the addresses of one branch.
    query: String,
}

impl Fragment for ExportPage {
    const TEMPLATE: &'static str = "conversation/export.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let head = Head::of(&data::sample(), "export", None);
        vec![Self { head, branch: Some("main".into()), query: "?branch=main".into() }]
    }
}

impl Page for ExportPage {
    const PLACE: Place = Place::Conversations;

    fn title(&self) -> String {
        format!("{} · Export", self.head.title)
    }

    fn crumbs(&self) -> Vec<Crumb> {
        self.head.crumbs()
    }

    fn here(&self) -> String {
        "Export".into()
    }
}

/// `GET /conversations/{id}/export`
pub async fn page(
    ctx: Ctx,
    id: web::Path<String>,
    asked: web::Query<ExportQuery>,
) -> Result<HttpResponse, PageError> {
    let loaded = data::load(&ctx, &id).await?;
    let head = Head::of(&loaded, "export", asked.branch.as_deref());
    let branch = asked.into_inner().branch;
    let named = branch.as_deref().map(format::encoded);
    let query = named.map(|branch| format!("?branch={branch}")).unwrap_or_default();
    ctx.page(&ExportPage { head, branch, query }).await
}
