//! What is asked: the lists, searches, conversations and sums that pages and scripts live on, with
//! names and ids that the store has.

use anyhow::Context;
use serde_json::Value;

/// Words of generated conversations, common and rare, and one that none holds.
const WORDS: [&str; 5] =
    ["invoice", "the", "%22retry+loop%22+invoice", "src/jobs/worker.ts", "xylophone"];

/// Paths with their queries.
pub async fn all(http: &reqwest::Client, base: &str) -> anyhow::Result<Vec<String>> {
    let get = async |path: &str| -> anyhow::Result<Value> {
        let text = http.get(format!("{base}{path}")).send().await?.text().await?;
        serde_json::from_str(&text).with_context(|| format!("{path}: {text}"))
    };
    let newest = get("/api/requests?limit=1").await?;
    let newest = newest["requests"].get(0).context("the store holds no request")?.clone();
    let deep = get("/api/requests?limit=500&offset=5000").await?;
    let cursor = deep["nextCursor"].as_str().unwrap_or_default().to_owned();
    let largest = get("/api/conversations?limit=1&sort=requests").await?;
    let largest = text(&largest["conversations"][0]["conversationId"]);
    let usual = get("/api/conversations?limit=1").await?;
    let usual = text(&usual["conversations"][0]["conversationId"]);
    let (domain, account) = (text(&newest["domain"]), text(&newest["accountId"]));
    let (model, id) = (text(&newest["model"]), text(&newest["requestId"]));
    let mut routes = vec![
        "/api/requests".to_owned(),
        format!("/api/requests?limit=500&cursor={cursor}"),
        format!("/api/requests?domain={domain}"),
        format!("/api/requests?accountId={account}&model={model}"),
        "/api/requests?status=5xx".into(),
        "/api/requests?type=auxiliary".into(),
        "/api/requests?q=has:error+tool:Bash".into(),
        "/api/requests?sort=cost".into(),
        "/api/requests?sort=duration".into(),
        format!("/api/requests?conversationId={largest}"),
        format!("/api/requests/{id}"),
        "/api/conversations".into(),
        format!("/api/conversations?domain={domain}&accountId={account}"),
        "/api/conversations?has=subtask,compact".into(),
        "/api/conversations?sort=cost".into(),
        "/api/conversations?sort=tokens".into(),
        "/api/conversations?q=tokens:%3E1m+cost:%3E1".into(),
        "/api/conversations?q=tool:Edit+model:opus".into(),
        format!("/api/conversations/{usual}"),
        format!("/api/conversations/{largest}"),
    ];
    for word in WORDS {
        routes.push(format!("/api/conversations?q={word}"));
        routes.push(format!("/api/requests?q={word}"));
    }
    routes.extend(SUMS.map(str::to_owned));
    routes.push(format!("/api/stats?domain={domain}"));
    routes.push(format!("/api/token-usage/current?accountId={account}"));
    Ok(routes)
}

const SUMS: [&str; 12] = [
    "/api/stats",
    "/api/stats?since=2026-01-01T00:07:00Z",
    "/api/dashboard/stats",
    "/api/domains",
    "/api/accounts",
    "/api/token-usage/current",
    "/api/token-usage/daily?days=30&tz=Europe/Berlin",
    "/api/token-usage/daily?days=30&aggregate=true",
    "/api/token-usage/time-series?days=7",
    "/api/token-usage/accounts",
    "/api/usage/tokens/hourly?days=7",
    "/api/analytics/token-usage/sliding-window?days=7",
];

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
