//! `/api/domains` and `/api/accounts`.

use actix_web::web::Data;
use serde_json::json;

use super::answer::{Answer, json};
use crate::deps::Dashboard;

pub async fn domains(dashboard: Data<Dashboard>) -> Answer {
    json(&json!({"domains": dashboard.deps.queries.list_domains().await?}))
}

pub async fn accounts(dashboard: Data<Dashboard>) -> Answer {
    json(&json!({"accounts": dashboard.deps.queries.list_accounts().await?}))
}
