//! The dashboard's process has PostgreSQL's `nexus_dashboard` role, and that is enough for it.

use nexus_e2e::Installation;
use nexus_e2e::nexus::DASHBOARD_KEY;
use serde_json::{Value, json};

/// All that can be looked at. Words in braces are the ids of a conversation and of an exchange in it.
const PAGES: &str = "\
    requests conversations conversations?q=count usage usage.csv live pipeline analyses setup \
    fragments/overview fragments/running fragments/live fragments/pipeline fragments/palette?q=a \
    requests/{exchange} requests/{exchange}/raw/request conversations/{conversation} \
    conversations/{conversation}/head conversations/{conversation}/graph \
    conversations/{conversation}/detail/{exchange} conversations/{conversation}/timeline \
    conversations/{conversation}/transcript conversations/{conversation}/cost \
    conversations/{conversation}/compare conversations/{conversation}/analysis \
    conversations/{conversation}/analysis/status conversations/{conversation}/export \
    conversations/{conversation}/export.md conversations/{conversation}/export.jsonl \
    api/stats api/dashboard/stats api/requests api/requests/export api/requests/{exchange} \
    api/requests/{exchange}/body/response api/conversations/{conversation} api/domains \
    api/accounts api/token-usage/current api/token-usage/daily api/token-usage/export \
    api/token-usage/time-series api/token-usage/accounts api/usage/requests/hourly \
    api/usage/tokens/hourly api/analytics/token-usage/sliding-window api/pipeline";

/// Every page is shown, an analysis can be asked for, and nothing else can be written.
pub async fn the_dashboards_role_reads_and_asks_for_analyses(scaled: &Installation) {
    let conversations = scaled.api().conversations("").await.expect("the API answers");
    let conversation = conversations[0]["conversationId"].as_str().expect("an id").to_owned();
    let shown = scaled.api().get(&format!("conversations/{conversation}")).await;
    let shown = shown.expect("the API answers");
    let exchange = shown["nodes"][0]["requestId"].as_str().expect("an id");
    let pages = PAGES.replace("{conversation}", &conversation).replace("{exchange}", exchange);
    for page in pages.split_whitespace().chain([""]) {
        let answer = get(scaled, page).await;
        assert!(answer.status().is_success(), "/{page}: {}", answer.status());
    }
    let body = json!({"conversationId": conversation, "branchId": "main"});
    let url = format!("{}/api/analyses", scaled.dashboard());
    let asked = nexus_e2e::http_client()
        .post(url)
        .header("x-dashboard-key", DASHBOARD_KEY)
        .json(&body)
        .send()
        .await
        .expect("an answer");
    let (status, text) = (asked.status(), asked.text().await.expect("a body"));
    assert_eq!(status, 201, "{text}");
    let audit = scaled.postgres.query("SELECT count(*) > 0 FROM analysis_audit");
    assert_eq!(audit.expect("it answers").trim(), "t");
    let password = scaled.secret("postgres_dashboard_password").expect("a secret");
    let taken_back = "DELETE FROM erased_exchanges WHERE name IS NULL";
    let allowed = scaled.postgres.query_as("nexus_dashboard", &password, taken_back);
    allowed.expect("an import may do that");
    for statement in [
        "DELETE FROM exchanges",
        "INSERT INTO link_results SELECT * FROM link_results",
        "UPDATE conversations SET title = ''",
        "DELETE FROM analyses",
        "INSERT INTO erased_exchanges SELECT * FROM erased_exchanges",
        "CREATE TABLE mine (x INT)",
        "DROP TABLE analysis_audit",
    ] {
        let refused = scaled.postgres.query_as("nexus_dashboard", &password, statement);
        let error = refused.expect_err(statement).to_string();
        assert!(error.contains("permission denied") || error.contains("must be owner"), "{error}");
    }
}

async fn get(scaled: &Installation, page: &str) -> reqwest::Response {
    let url = format!("{}/{page}", scaled.dashboard());
    let request = nexus_e2e::http_client().get(url).header("x-dashboard-key", DASHBOARD_KEY);
    request.send().await.expect("an answer")
}

/// Nobody connects as somebody else, and every process is known by name.
pub async fn each_process_is_who_it_should_be(scaled: &Installation) {
    let rows = scaled.postgres.query(
        "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'nexus' ORDER BY 1",
    );
    let users = rows.expect("it answers");
    assert_eq!(users.split_whitespace().collect::<Vec<_>>(), ["nexus_dashboard", "nexus_writer"]);
    let pipeline: Value = scaled.api().get("pipeline").await.expect("the API answers");
    let names: Vec<_> = pipeline["instances"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|instance| instance["instance"].as_str())
        .collect();
    for service in ["gateway-1", "gateway-2", "linker-1", "linker-2", "storage-1", "storage-2"] {
        assert!(names.contains(&service), "{service} is not among {names:?}");
    }
    assert!(pipeline["journal"]["begun"].as_u64() > Some(0), "{pipeline}");
    assert_eq!(pipeline["journal"]["lost"], 0);
}
