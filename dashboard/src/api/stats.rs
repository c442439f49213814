//! `/api/stats` and `/api/dashboard/stats`.

use std::collections::BTreeMap;

use actix_web::web::Data;
use jiff::ToSpan;
use nexus_store::queries::{
    ConversationFilter, ConversationSummary, GroupBy, Paging, UsageBucket, UsageFilter, UsageTotals,
};
use serde_json::{Value, json};

use super::{
    answer::{Answer, json},
    params::Params,
    requests,
};
use crate::{deps::Dashboard, error::PageError};

const DAY: u32 = 1_440;
const HOUR: u32 = 60;
/// Conversations that the counts of branches are taken from: the newest.
const NEWEST: u32 = Paging::MAX;

pub async fn totals(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let filter = filter(&params)?;
    let group = GroupBy { model: true, request_type: true, domain: true, ..GroupBy::default() };
    let sum = dashboard.deps.queries.sum_usage(&filter).await?;
    let buckets = dashboard.deps.queries.list_usage(&filter, width(&filter), group).await?;
    let mut answer = json!(sum);
    let domains = requests_by(&buckets, |bucket| bucket.key.domain.clone());
    let more = json!({
        "activeDomains": domains.len(),
        "requestsByModel": requests_by(&buckets, |bucket| bucket.key.model.clone()),
        "requestsByType": requests_by(&buckets, |bucket| {
            bucket.key.request_type.map(|known| known.to_string())
        }),
    });
    extend(&mut answer, more);
    json(&answer)
}

pub async fn dashboard(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let all = UsageFilter { from: None, ..filter(&params)? };
    let now = dashboard.deps.clock.now();
    let day = UsageFilter { from: Some(now - 24.hours()), ..all.clone() };
    let queries = &dashboard.deps.queries;
    let totals = queries.sum_usage(&all).await?;
    let by_model = GroupBy { model: true, ..GroupBy::default() };
    let models = requests_by(&queries.list_usage(&all, DAY, by_model).await?, |bucket| {
        bucket.key.model.clone()
    });
    let filter = ConversationFilter {
        domain: all.domain.clone(),
        account_id: all.account_id.clone(),
        ..ConversationFilter::default()
    };
    let paging = Paging { limit: NEWEST, ..Paging::default() };
    let newest = queries.list_conversations(&filter, &paging).await?;
    let sum = |count: fn(&ConversationSummary) -> u64| newest.items.iter().map(count).sum::<u64>();
    json(&json!({
        "totals": totals,
        "conversations": newest.items.len(),
        "conversationsAreMore": newest.next_cursor.is_some(),
        "branches": sum(|one| one.branch_count),
        "subtasks": sum(|one| one.subtask_count),
        "compacts": sum(|one| one.compact_count),
        "models": models,
        "last24Hours": queries.sum_usage(&day).await?,
        "hourlyActivity": queries.list_usage(&day, HOUR, GroupBy::default()).await?,
    }))
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

/// The whole history is summed by days; a part of it by the narrowest stretches, which meet its edges
/// best.
fn width(filter: &UsageFilter) -> u32 {
    if filter.from.is_none() && filter.to.is_none() { DAY } else { 15 }
}

fn requests_by(
    buckets: &[UsageBucket],
    name: impl Fn(&UsageBucket) -> Option<String>,
) -> BTreeMap<String, u64> {
    let mut sums: BTreeMap<String, UsageTotals> = BTreeMap::new();
    for bucket in buckets {
        *sums.entry(name(bucket).unwrap_or_else(|| "unknown".into())).or_default() += bucket.totals;
    }
    sums.into_iter().map(|(name, totals)| (name, totals.requests)).collect()
}

fn extend(answer: &mut Value, more: Value) {
    if let (Value::Object(answer), Value::Object(more)) = (answer, more) {
        answer.extend(more);
    }
}
