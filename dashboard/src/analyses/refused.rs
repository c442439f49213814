//! Who is not allowed to ask for an analysis stands in the audit log, too. The guard refuses before
//! any handler is reached, so what was asked for is read off the request here.

use actix_web::{
    dev::{Path, ResourceDef, ServiceRequest},
    web::{Json, Query},
};
use nexus_store::analyses::{AuditAction, Branch};
use serde::Deserialize;

use super::audit;
use crate::{
    api::{self, WantedAnalysis},
    deps::Dashboard,
    security::Visitor,
};

const CREATE: &str = "/api/analyses";
const REGENERATE: &str = "/api/analyses/{conversation}/{branch}/regenerate";
const PAGE: &str = "/conversations/{conversation}/analysis";
/// Why the audit log says that something was refused.
const NOT_ALLOWED: &str = "changes are not allowed";

#[derive(Debug, Deserialize)]
struct Named {
    branch: String,
}

/// Writes down a write that the guard refuses, if an analysis was asked for.
pub async fn write_down(dashboard: &Dashboard, visitor: &Visitor, request: &mut ServiceRequest) {
    let Some(branch) = wanted(request).await else { return };
    let who = visitor.name();
    // Nobody had to log in for it: strangers must not make the log grow as they like.
    if dashboard.creations.take(&who, dashboard.deps.clock.now()).is_ok() {
        audit(dashboard, &who, AuditAction::Refused, &branch, Some(NOT_ALLOWED)).await;
    }
}

/// The branch of which the request asks for an analysis.
async fn wanted(request: &mut ServiceRequest) -> Option<Branch> {
    if request.path() == CREATE {
        let wanted = request.extract::<Json<WantedAnalysis>>().await.ok()?;
        return Some(wanted.named());
    }
    if let Some((conversation, branch)) = places::<(String, String)>(REGENERATE, request) {
        return Some(api::named_branch(&conversation, &branch));
    }
    let (conversation,) = places::<(String,)>(PAGE, request)?;
    let Query(named) = Query::<Named>::from_query(request.query_string()).ok()?;
    Some(api::named_branch(&conversation, &named.branch))
}

/// The variable parts of a path of this pattern.
fn places<T: serde::de::DeserializeOwned>(pattern: &str, request: &ServiceRequest) -> Option<T> {
    let mut path = Path::new(request.path().to_owned());
    let is_such = ResourceDef::new(pattern).capture_match_info(&mut path);
    is_such.then(|| path.load().ok()).flatten()
}
