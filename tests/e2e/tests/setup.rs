//! The files of `/client-setup` do what they say, with the client that they are for.

use std::process::Command;
use std::sync::Arc;

use nexus_contract::SystemClock;
use nexus_e2e::clients::ClaudeCode;
use nexus_e2e::{Nexus, NexusBuilder, http_client, wait};
use nexus_scripted::{Anthropic, Server};
use serde_json::json;

const KEY: &str = "cnp_test_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
/// The credential that the gateway stores; clients never see it.
const STORED: &str = "sk-ant-api03-stored";
const FILES: [&str; 4] = ["nexus.sh", "nexus.ps1", "settings.json", "settings-with-key.json"];

/// A gateway that wants a client key.
async fn start() -> (Server, Nexus) {
    let upstream = Server::local(Anthropic::new(Arc::new(SystemClock), "setup")).expect("a port");
    let nexus = NexusBuilder::new("up", &upstream.url()).start().await.expect("nexus starts");
    let credential = json!({"type": "api_key", "accountId": "acc_setup", "api_key": STORED, "client_api_key": KEY});
    let file = nexus.dir().join("credentials/127.0.0.1.credentials.json");
    std::fs::write(file, credential.to_string()).expect("a credential");
    wait::until("the credential", std::time::Duration::from_secs(20), async || {
        let url = format!("{}/v1/models", nexus.url());
        let answer = http_client().get(&url).send().await.ok()?;
        answer.headers().contains_key("www-authenticate").then_some(())
    })
    .await;
    (upstream, nexus)
}

async fn file(nexus: &Nexus, name: &str) -> String {
    let url = format!("{}/client-setup/{name}", nexus.url());
    let answer = http_client().get(&url).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{name}");
    answer.text().await.expect("text")
}

/// What arrived: with the stored credential, never with the client's key.
fn assert_arrived(upstream: &Server) {
    let entries = upstream.seen().entries();
    let asked = entries.iter().filter(|entry| entry.request.path() == "/v1/messages");
    let mut count = 0;
    for entry in asked {
        assert_eq!(entry.request.header("x-api-key"), Some(STORED));
        assert!(!String::from_utf8_lossy(&entry.request.head).contains(KEY));
        count += 1;
    }
    assert!(count > 0, "Claude Code came through the gateway");
}

#[tokio::test]
async fn claude_code_works_from_a_shell_that_read_the_script() {
    let (upstream, nexus) = start().await;
    let claude = ClaudeCode::untold().expect("a home").env("NEXUS_CLIENT_KEY", KEY);
    let claude = claude.sourced(&file(&nexus, "nexus.sh").await).expect("a script");
    let answer = claude.prompt("Hello [[say: Set up.]]", None).await.expect("an answer");
    assert_eq!(answer["result"], "Set up.");
    assert_arrived(&upstream);
}

#[tokio::test]
async fn claude_code_works_with_the_settings() {
    let (upstream, nexus) = start().await;
    let claude = ClaudeCode::untold().expect("a home").env("NEXUS_CLIENT_KEY", KEY);
    let claude = claude.settings(&file(&nexus, "settings-with-key.json").await).expect("settings");
    let answer = claude.prompt("Hello [[say: Set up.]]", None).await.expect("an answer");
    assert_eq!(answer["result"], "Set up.");
    assert_arrived(&upstream);
}

#[tokio::test]
async fn the_scripts_are_sound_and_hold_no_key() {
    let (_upstream, nexus) = start().await;
    for name in FILES {
        let text = file(&nexus, name).await;
        assert!(text.contains(&nexus.url()) && !text.contains(KEY), "{name}: {text}");
    }
    let script = file(&nexus, "nexus.sh").await;
    for shell in ["bash", "sh"] {
        let checked = Command::new(shell).args(["-nc", &script]).output().expect("a shell");
        assert!(checked.status.success() && checked.stderr.is_empty(), "{shell}: {checked:?}");
        let shown = format!("{script}\nenv");
        let run = Command::new(shell)
            .args(["-euc", &shown])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .output()
            .expect("a shell");
        let printed = String::from_utf8_lossy(&run.stdout);
        assert!(printed.contains(&format!("ANTHROPIC_BASE_URL={}\n", nexus.url())), "{run:?}");
        assert!(printed.contains("CLAUDE_CODE_GATEWAY_HINT_HEADERS=1\n"), "{run:?}");
        assert!(!printed.contains("ANTHROPIC_AUTH_TOKEN"), "no key, no token: {run:?}");
    }
}
