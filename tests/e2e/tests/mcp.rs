//! Real clients of MCP through `nexus up`: they list, get, page, and notice a reload.

use std::path::Path;

use nexus_e2e::{Nexus, NexusBuilder, clients};
use serde_json::{Value, json};
use tempfile::TempDir;

const KEY: &str = "cnp_test_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
/// More than fit on one page.
const PROMPTS: usize = 130;

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
    nexus_e2e::wait::until("the credential", std::time::Duration::from_secs(20), async || {
        let answer = nexus_e2e::http_client().get(&url).send().await.ok()?;
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
async fn the_typescript_sdk_and_mcp_remote_use_prompts() {
    let (nexus, folder) = start().await;
    let url = format!("{}/mcp", nexus.url());
    let found = clients::node_with("mcp_prompts.mjs", &url, &env(&folder)).await.expect("it runs");
    for way in ["direct", "remote"] {
        assert_used(&found[way]);
        assert_eq!(found[way]["told"], true, "{way} noticed the reload");
    }
}
