//! All that an installation stored, without ids and times, so that two can be compared.

use std::collections::BTreeMap;
use std::pin::pin;

use futures::TryStreamExt;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::Api;

/// Fields of an exchange that do not depend on when and where it ran.
const EXCHANGE: [&str; 14] = [
    "domain",
    "accountId",
    "model",
    "inputTokens",
    "outputTokens",
    "cacheReadTokens",
    "cacheCreationTokens",
    "costUsd",
    "responseStatus",
    "state",
    "requestType",
    "branchId",
    "kind",
    "isSubtask",
];
/// The same of a conversation.
const CONVERSATION: [&str; 13] = [
    "title",
    "domain",
    "accountIds",
    "requestCount",
    "messageCount",
    "totalTokens",
    "costUsd",
    "branchCount",
    "subtaskCount",
    "compactCount",
    "modelsUsed",
    "latestContextTokens",
    "hasErrors",
];

/// Exchanges, conversations and usage, each in an order of their own content.
#[derive(Debug, PartialEq, Eq)]
pub struct Picture {
    pub exchanges: Vec<String>,
    pub conversations: Vec<String>,
    pub usage: Vec<String>,
}

/// Asks the data API for everything.
pub async fn take(api: &Api) -> anyhow::Result<Picture> {
    let requests = api.requests("").await?;
    let mut bodies = BTreeMap::new();
    let mut whole = pin!(api.with_bodies(&requests));
    while let Some((request, [sent, answered])) = whole.try_next().await? {
        let id = request["requestId"].as_str().unwrap_or_default();
        bodies.insert(id.to_owned(), (digest(&sent), digest(&answered)));
    }
    let exchanges = requests.iter().map(|request| exchange(request, &bodies));
    let conversations = api.conversations("").await?;
    let conversations = conversations.iter().map(|row| some(row, &CONVERSATION));
    Ok(Picture {
        exchanges: sorted(exchanges),
        conversations: sorted(conversations),
        usage: usage(api).await?,
    })
}

/// A branch's label without the second in which the branch began.
fn timeless(label: &str) -> String {
    let is_time = |part: &str| part.len() == 6 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = label.split('_').map(|part| if is_time(part) { "HHMMSS" } else { part });
    parts.collect::<Vec<_>>().join("_")
}

fn exchange(row: &Value, bodies: &BTreeMap<String, (String, String)>) -> Value {
    let of = |id: &Value| id.as_str().and_then(|id| bodies.get(id));
    let mut picture = some(row, &EXCHANGE);
    picture["bodies"] = json!(of(&row["requestId"]));
    picture["branchId"] = json!(row["branchId"].as_str().map(timeless));
    // A parent is named by what it was asked.
    for parent in ["parentRequestId", "parentTaskRequestId"] {
        picture[parent] = json!(of(&row[parent]).map(|(sent, _)| sent));
    }
    picture
}

async fn usage(api: &Api) -> anyhow::Result<Vec<String>> {
    let stats = api.get("stats").await?;
    let daily = api.get("token-usage/daily?days=2").await?;
    let mut sums = daily["usage"].as_array().cloned().unwrap_or_default();
    sums.push(stats);
    for sum in sums.iter_mut().filter_map(Value::as_object_mut) {
        sum.remove("averageResponseTime");
    }
    Ok(sorted(sums))
}

fn some(row: &Value, fields: &[&str]) -> Value {
    let pairs = fields.iter().map(|field| ((*field).to_owned(), row[*field].clone()));
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn sorted(values: impl IntoIterator<Item = Value>) -> Vec<String> {
    let mut texts: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    texts.sort_unstable();
    texts
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
