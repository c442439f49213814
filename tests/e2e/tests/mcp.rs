//! Real clients of MCP through `nexus up`: they list, get, page, and notice a reload. And what a
//! dashboard in a process of its own shows of the prompts.

use std::{path::Path, sync::Arc, time::Duration};

use nexus_e2e::{Nexus, NexusBuilder, clients, http_client, nexus::DASHBOARD_KEY, wait};
use nexus_scripted::{GitHub, Server};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;

const KEY: &str = "cnp_test_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
/// More than fit on one page.
const PROMPTS: usize = 130;
const SOON: Duration = Duration::from_secs(20);

/// A gateway with a client key, and a folder of prompts.
async fn start() -> (Nexus, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    put(
        folder.path(),
        "a-review",
        "description: Review code\ntemplate: 'Review {{language}}{{#if focus}} for {{focus}}{{/if}}: {{code}}'",
    );
    for number in 1..PROMPTS {
        put(folder.path(), &format!("p{number:03}"), "template: Hello");
    }
    let nexus = NexusBuilder::new("up", "http://127.0.0.1:9")
        .env("MCP_ENABLED", "true")
        .env("MCP_PROMPTS_DIR", folder.path().to_str().expect("UTF-8"))
        .start()
        .await
        .expect("nexus starts");
    let credential = json!({"type": "api_key", "accountId": "acc_test", "api_key": "sk-ant-x", "client_api_key": KEY});
    let file = nexus.dir().join("credentials/127.0.0.1.credentials.json");
    std::fs::write(file, credential.to_string()).expect("a credential");
    until_the_key_counts(&nexus).await;
    (nexus, folder)
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(format!("{name}.yaml")), text).expect("written");
}

/// Credential files are watched; before it is read, `/mcp` is open on loopback.
async fn until_the_key_counts(nexus: &Nexus) {
    let url = format!("{}/mcp", nexus.url());
    wait::until("the credential", SOON, async || {
        let answer = http_client().get(&url).send().await.ok()?;
        (answer.status() == 401).then_some(())
    })
    .await;
}

fn env(folder: &TempDir) -> [(&str, &str); 2] {
    [("MCP_KEY", KEY), ("MCP_FOLDER", folder.path().to_str().expect("UTF-8"))]
}

/// What every client must have seen.
fn assert_used(found: &Value) {
    assert_eq!(found["arguments"], json!([["language", true], ["focus", false], ["code", true]]));
    assert_eq!(found["description"], "Review code");
    assert_eq!(found["text"], "Review Rust: a < b");
    assert_eq!(found["pages"], 2, "{found}");
    assert!(found["names"].as_u64().is_some_and(|names| names >= PROMPTS as u64), "{found}");
    assert!(found["missing"].as_str().is_some_and(|text| text.contains("language")), "{found}");
}

#[tokio::test]
async fn the_python_sdk_uses_prompts_in_every_version() {
    let (nexus, folder) = start().await;
    let url = format!("{}/mcp", nexus.url());
    let found = clients::python_with("mcp_prompts.py", &url, &env(&folder)).await.expect("it runs");
    assert_used(&found["session"]);
    let modern = found["listening"].as_array().expect("a list");
    modern.iter().for_each(assert_used);
    let spoken = modern.iter().map(|one| &one["version"]).collect::<Vec<_>>();
    assert_eq!(json!(spoken), found["modern"], "every version without a session");
    assert_eq!(
        (&found["without_key"], &found["discovery"]["endpoint"]),
        (&json!(401), &json!("/mcp"))
    );
    let known = found["discovery"]["protocolVersions"].as_array().expect("versions");
    for version in found["handshake"].as_array().into_iter().flatten() {
        assert!(known.contains(version), "{version} of the SDK is spoken");
    }
}

#[tokio::test]
async fn the_gateway_names_what_its_port_answers() {
    let (nexus, _folder) = start().await;
    let without = NexusBuilder::new("gateway", "http://127.0.0.1:9").start().await;
    let without = without.expect("nexus starts");
    for (nexus, mounted) in [(&nexus, true), (&without, false)] {
        let about = http_client().get(nexus.url()).send().await.expect("an answer");
        let about: Value = about.json().await.expect("JSON");
        let endpoints = about["endpoints"].as_array().expect("a list");
        for own in ["/v1/*", "/api/hello", "/api/event_logging/*", "/client-setup/*"] {
            assert!(endpoints.contains(&json!(own)), "{own}: {about}");
        }
        for path in ["/mcp", "/api/*"] {
            assert_eq!(endpoints.contains(&json!(path)), mounted, "{path}: {about}");
        }
    }
}

#[tokio::test]
async fn the_typescript_sdk_and_mcp_remote_use_prompts() {
    let (nexus, folder) = start().await;
    let url = format!("{}/mcp", nexus.url());
    let found = clients::node_with("mcp_prompts.mjs", &url, &env(&folder)).await.expect("it runs");
    for way in ["direct", "remote"] {
        assert_used(&found[way]);
        assert_eq!(found[way]["told"], true, "{way} noticed the reload");
    }
}

/// Asks with the dashboard's key.
async fn ask(request: RequestBuilder) -> reqwest::Response {
    request.header("x-dashboard-key", DASHBOARD_KEY).send().await.expect("an answer")
}

/// The names of all prompts, once so many have come from the repository.
async fn names_with(dashboard: &Nexus, files: usize) -> Vec<String> {
    wait::until("the repository's prompts", SOON, async || {
        let status = dashboard.api().get("mcp/sync/status").await.ok()?;
        let found = dashboard.api().get("mcp/prompts").await.ok()?;
        let names = found["prompts"].as_array()?.iter().filter_map(|one| one["name"].as_str());
        let names: Vec<_> = names.map(str::to_owned).collect();
        let has_come = status["status"]["files"] == files && names.len() > files;
        (status["configured"] == true && has_come).then_some(names)
    })
    .await
}

#[tokio::test]
async fn a_dashboard_of_its_own_shows_prompts_and_follows_their_repository() {
    let github = Arc::new(GitHub::default());
    github.put("prompts/shared.yaml", "description: Of the team\ntemplate: Look at {{file}}");
    let server = Server::local(Arc::clone(&github)).expect("a port");
    let folder = tempfile::tempdir().expect("a folder");
    let prompts = folder.path().join("prompts");
    std::fs::create_dir(&prompts).expect("a folder");
    put(&prompts, "own", "template: Hello");
    let with = |role: &str| {
        let database = format!("sqlite://{}", folder.path().join("nexus.sqlite").display());
        NexusBuilder::new(role, "http://127.0.0.1:9")
            .env("DATABASE_URL", database)
            .env("MCP_ENABLED", "true")
            .env("MCP_PROMPTS_DIR", prompts.to_str().expect("UTF-8"))
            .env("MCP_GITHUB_OWNER", "acme")
            .env("MCP_GITHUB_REPO", "prompts")
            .env("MCP_GITHUB_API_URL", server.url())
    };
    let migrated = with("migrate").once().await.expect("it runs");
    assert!(migrated.status.success(), "{migrated:?}");
    let dashboard = with("dashboard").start().await.expect("nexus dashboard starts");
    assert_eq!(names_with(&dashboard, 1).await, ["own", "shared"]);
    let shared = dashboard.api().get("mcp/prompts/shared").await.expect("the prompt");
    assert_eq!(shared["description"], "Of the team");

    // The next round would begin after minutes.
    github.put("prompts/later.yaml", "template: Later");
    let sync = http_client().post(format!("{}/api/mcp/sync", dashboard.dashboard()));
    assert_eq!(ask(sync).await.status(), 202);
    assert_eq!(names_with(&dashboard, 2).await, ["later", "own", "shared"]);
    let page = ask(http_client().get(format!("{}/prompts", dashboard.dashboard()))).await;
    let page = page.text().await.expect("its text");
    assert!(page.contains("/prompts/shared") && page.contains("Synchronise"), "{page}");
    let protocol = ask(http_client().get(format!("{}/mcp", dashboard.dashboard()))).await;
    assert_eq!(protocol.status(), 404, "the protocol is on the gateway's port");
}
