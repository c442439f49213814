//! What is asked: the lists, searches, conversations and sums that pages and scripts live on, and the
//! pages, with names and ids that the store has.

use anyhow::Context;
use serde_json::Value;

/// Words of generated conversations: common ones, phrases, one that stands in a single place, and one
/// that none holds.
const WORDS: [&str; 6] =
    ["invoice", "the", "%22retry+loop%22+invoice", "src/jobs/worker.ts", "4321+long", "xylophone"];

/// Paths with their queries.
pub async fn all(http: &reqwest::Client, base: &str) -> anyhow::Result<Vec<String>> {
    let get = async |path: &str| -> anyhow::Result<Value> {
        let text = http.get(format!("{base}{path}")).send().await?.text().await?;
        serde_json::from_str(&text).with_context(|| format!("{path}: {text}"))
    };
    let newest = get("/api/requests?limit=1").await?;
    let newest = newest["requests"].get(0).context("the store holds no request")?.clone();
    let deep = get("/api/requests?limit=500&offset=5000").await?;
    let cursor = text(&deep["nextCursor"]);
    let deep = get("/api/conversations?limit=500&offset=5000").await?;
    let older = text(&deep["nextCursor"]);
    let largest = get("/api/conversations?limit=1&sort=requests").await?;
    let largest = text(&largest["conversations"][0]["conversationId"]);
    let usual = get("/api/conversations?limit=1").await?;
    let usual = text(&usual["conversations"][0]["conversationId"]);
    let (domain, account) = (text(&newest["domain"]), text(&newest["accountId"]));
    let (model, id) = (text(&newest["model"]), text(&newest["requestId"]));
    let mut routes = vec![
        format!("/api/requests?limit=500&cursor={cursor}"),
        format!("/api/requests?domain={domain}"),
        format!("/api/requests?accountId={account}&model={model}"),
        format!("/api/requests?conversationId={largest}"),
        format!("/api/requests?conversationId={largest}&branchId=main"),
        format!("/api/requests/{id}"),
        format!("/api/conversations?limit=500&cursor={older}"),
        format!("/api/conversations?domain={domain}&accountId={account}"),
        format!("/api/conversations/{usual}"),
        format!("/api/conversations/{largest}"),
    ];
    for word in WORDS {
        routes.push(format!("/api/conversations?q={word}"));
        routes.push(format!("/api/requests?q={word}"));
    }
    routes.extend(LISTS.into_iter().chain(SUMS).map(str::to_owned));
    routes.push(format!("/api/stats?domain={domain}"));
    routes.push(format!("/api/token-usage/current?accountId={account}"));
    routes.extend(PAGES.map(str::to_owned));
    routes.extend(TABS.map(|tab| format!("/conversations/{largest}{tab}")));
    routes.push(format!("/requests/{id}"));
    Ok(routes)
}

/// First HTML of pages.
const PAGES: [&str; 8] = [
    "/",
    "/conversations",
    "/conversations?q=invoice",
    "/requests",
    "/live",
    "/usage",
    "/analyses",
    "/pipeline",
];

/// Of a conversation.
const TABS: [&str; 6] = ["", "/transcript", "/timeline", "/cost", "/compare", "/export"];

const LISTS: [&str; 39] = [
    "/api/requests",
    "/api/requests?status=5xx",
    "/api/requests?status=200",
    "/api/requests?type=auxiliary",
    "/api/requests?state=upstream_cut",
    "/api/requests?state=completed",
    "/api/requests?kind=subagent",
    "/api/requests?from=2026-01-01&to=2026-01-02",
    "/api/requests?offset=100000",
    "/api/requests?q=has:error+tool:Bash",
    "/api/requests?q=tool:Bash",
    "/api/requests?q=tool:Agent",
    "/api/requests?q=tool:WebFetch",
    "/api/requests?q=model:opus",
    "/api/requests?q=model:gpt",
    "/api/requests?q=has:subtask",
    "/api/requests?q=has:branch",
    "/api/requests?q=has:compact",
    "/api/requests?q=tokens:%3E50k+invoice",
    "/api/requests?q=tokens:%3E50k",
    "/api/requests?q=cost:%3E0.1+the",
    "/api/requests?q=domain:team.example+invoice",
    "/api/requests?q=invoice+model:opus+since:2026-01-01",
    "/api/requests?sort=cost",
    "/api/requests?sort=duration",
    "/api/conversations",
    "/api/conversations?has=subtask,compact",
    "/api/conversations?has=error",
    "/api/conversations?has=branch",
    "/api/conversations?from=2026-01-01&to=2026-01-02",
    "/api/conversations?sort=cost",
    "/api/conversations?sort=tokens",
    "/api/conversations?sort=requests",
    "/api/conversations?q=tokens:%3E1m+cost:%3E1",
    "/api/conversations?q=tokens:%3E50k+invoice",
    "/api/conversations?q=domain:team.example+invoice",
    "/api/conversations?q=tool:Edit+model:opus",
    "/api/conversations?q=tool:WebFetch",
    "/api/conversations?q=model:gpt",
];

const SUMS: [&str; 18] = [
    "/api/stats",
    "/api/stats?since=2026-01-01T00:07:00Z",
    "/api/dashboard/stats",
    "/api/domains",
    "/api/accounts",
    "/api/token-usage/current",
    "/api/token-usage/current?window=43200",
    "/api/token-usage/daily?days=30",
    "/api/token-usage/daily?days=30&tz=Europe/Berlin",
    "/api/token-usage/daily?days=30&tz=Asia/Kathmandu",
    "/api/token-usage/daily?days=30&aggregate=true",
    "/api/token-usage/time-series?days=7",
    "/api/token-usage/time-series?days=30&bucket=60&byAccount=true",
    "/api/token-usage/accounts",
    "/api/usage/tokens/hourly?days=7",
    "/api/usage/tokens/hourly?days=30",
    "/api/analytics/token-usage/sliding-window?days=7",
    "/api/analytics/token-usage/sliding-window?days=30&bucket=60&window=1440",
];

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
