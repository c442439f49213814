//! Who is not allowed to ask for an analysis stands in the audit log, too. The guard refuses before
//! any handler is reached, so what was asked for is read off the request here.

use std::time::Duration;

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
/// What the page asks for when its address names no branch.
const FIRST_BRANCH: &str = "main";
/// How long the body may take that says what was asked for.
const BODY_WAIT: Duration = Duration::from_secs(2);
/// Under what name all are counted who did not have to log in: by their addresses, strangers could
/// make the log grow as they like.
const STRANGERS: &str = "strangers";
/// Why the audit log says that something was refused.
const NOT_ALLOWED: &str = "changes are not allowed";
const TOO_OLD: &str = "the form was too old";

#[derive(Debug, Deserialize)]
struct Named {
    #[serde(default)]
    branch: String,
}

/// Where a request says of which branch it wants an analysis.
enum Wanted {
    Here(Branch),
    InBody,
}

/// Writes down a write that the guard refuses, if an analysis was asked for.
pub async fn write_down(dashboard: &Dashboard, visitor: &Visitor, request: &mut ServiceRequest) {
    let Some(wanted) = wanted(request) else { return };
    let who = visitor.name();
    // Refusals are counted apart: they take nothing of what a person may ask for.
    let (counted, reason) = match visitor.session {
        Some(_) => (format!("refused {who}"), TOO_OLD),
        None => (STRANGERS.to_owned(), NOT_ALLOWED),
    };
    if dashboard.creations.take(&counted, dashboard.deps.clock.now()).is_err() {
        return;
    }
    let branch = match wanted {
        Wanted::Here(branch) => Some(branch),
        Wanted::InBody => in_body(request).await,
    };
    if let Some(branch) = branch {
        audit(dashboard, &who, AuditAction::Refused, &branch, Some(reason)).await;
    }
}

fn wanted(request: &ServiceRequest) -> Option<Wanted> {
    if request.path() == CREATE {
        return Some(Wanted::InBody);
    }
    if let Some((conversation, branch)) = places::<(String, String)>(REGENERATE, request) {
        return Some(Wanted::Here(api::named_branch(&conversation, &branch)));
    }
    let (conversation,) = places::<(String,)>(PAGE, request)?;
    let Query(named) = Query::<Named>::from_query(request.query_string()).ok()?;
    let branch = if named.branch.is_empty() { FIRST_BRANCH } else { named.branch.as_str() };
    Some(Wanted::Here(api::named_branch(&conversation, branch)))
}

/// `None` when the body is no such wish, or does not arrive.
async fn in_body(request: &mut ServiceRequest) -> Option<Branch> {
    let body = request.extract::<Json<WantedAnalysis>>();
    let wanted = tokio::time::timeout(BODY_WAIT, body).await.ok()?.ok()?;
    Some(wanted.named())
}

/// The variable parts of a path of this pattern.
fn places<T: serde::de::DeserializeOwned>(pattern: &str, request: &ServiceRequest) -> Option<T> {
    let mut path = Path::new(request.path().to_owned());
    let is_such = ResourceDef::new(pattern).capture_match_info(&mut path);
    is_such.then(|| path.load().ok()).flatten()
}
