//! `/api/stats` and `/api/dashboard/stats`.

use std::collections::BTreeMap;

use actix_web::web::Data;
use jiff::ToSpan;
use nexus_store::queries::{ConversationFilter, GroupBy, UsageFilter, UsageKey, UsageTotals};
use serde_json::json;

use super::{
    answer::{Answer, extend, json},
    params::Params,
    requests,
};
use crate::{deps::Dashboard, error::PageError};

const HOUR: u32 = 60;

pub async fn totals(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let filter = filter(&params)?;
    let group = GroupBy { model: true, request_type: true, domain: true, ..GroupBy::default() };
    let sums = dashboard.deps.queries.sum_usage_by(&filter, group).await?;
    let mut answer = json!(total(&sums));
    let domains = requests_by(&sums, |key| key.domain.clone());
    let more = json!({
        "activeDomains": domains.len(),
        "requestsByModel": requests_by(&sums, |key| key.model.clone()),
        "requestsByType": requests_by(&sums, |key| key.request_type.map(|known| known.to_string())),
    });
    extend(&mut answer, more);
    json(&answer)
}

pub async fn dashboard(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let all = UsageFilter { from: None, ..filter(&params)? };
    let now = dashboard.deps.clock.now();
    let day = UsageFilter { from: Some(now - 24.hours()), ..all.clone() };
    let queries = &dashboard.deps.queries;
    let by_model = GroupBy { model: true, ..GroupBy::default() };
    let sums = queries.sum_usage_by(&all, by_model).await?;
    let models = requests_by(&sums, |key| key.model.clone());
    let filter = ConversationFilter {
        domain: all.domain.clone(),
        account_id: all.account_id.clone(),
        ..ConversationFilter::default()
    };
    let mut answer = json!(queries.count_conversations(&filter).await?);
    let more = json!({
        "totals": total(&sums),
        "models": models,
        "last24Hours": queries.sum_usage(&day).await?,
        "hourlyActivity": queries.list_usage(&day, HOUR, GroupBy::default()).await?,
    });
    extend(&mut answer, more);
    json(&answer)
}

/// The filter that usage routes share; `from` is `since` where a route has that.
pub fn filter(params: &Params) -> Result<UsageFilter, PageError> {
    Ok(UsageFilter {
        domain: params.text("domain").map(str::to_ascii_lowercase),
        account_id: params.owned("accountId"),
        model: params.owned("model"),
        request_type: params.read("type", requests::TYPES, nexus_messages::RequestType::parse)?,
        from: params.instant("since")?.or(params.instant("from")?),
        to: params.instant("to")?,
    })
}

fn total(sums: &BTreeMap<UsageKey, UsageTotals>) -> UsageTotals {
    let mut total = UsageTotals::default();
    for sum in sums.values() {
        total += *sum;
    }
    total
}

fn requests_by(
    sums: &BTreeMap<UsageKey, UsageTotals>,
    name: impl Fn(&UsageKey) -> Option<String>,
) -> BTreeMap<String, u64> {
    let mut requests: BTreeMap<String, u64> = BTreeMap::new();
    for (key, totals) in sums {
        *requests.entry(name(key).unwrap_or_else(|| "unknown".into())).or_default() +=
            totals.requests;
    }
    requests
}
