//! The files of `/client-setup` and the lines of the set-up page do what they say, with the clients
//! that they are for.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::clients::{CLIENT_KEY, ClaudeCode};
use nexus_e2e::nexus::DASHBOARD_KEY;
use nexus_e2e::{Nexus, NexusBuilder, http_client, wait};
use nexus_scripted::{Anthropic, Server};
use serde_json::{Value, json};

const KEY: &str = "cnp_test_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
/// The credential that the gateway stores; clients never see it.
const STORED: &str = "sk-ant-api03-stored";
const SOON: Duration = Duration::from_secs(20);
const FILES: [&str; 4] = ["nexus.sh", "nexus.ps1", "settings.json", "settings-with-key.json"];

fn upstream() -> Server {
    Server::local(Anthropic::new(Arc::new(SystemClock), "setup")).expect("a port")
}

/// A gateway that wants a client key.
async fn start() -> (Server, Nexus) {
    let upstream = upstream();
    let nexus = NexusBuilder::new("up", &upstream.url()).start().await.expect("nexus starts");
    let credential = json!({"type": "api_key", "accountId": "acc_setup", "api_key": STORED, "client_api_key": KEY});
    let file = nexus.dir().join("credentials/127.0.0.1.credentials.json");
    std::fs::write(file, credential.to_string()).expect("a credential");
    wait::until("the credential", SOON, async || {
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

/// The dashboard's set-up page, asked for with these headers.
async fn page(nexus: &Nexus, headers: &[(&str, &str)]) -> String {
    let url = format!("{}/setup", nexus.dashboard());
    let asked = http_client().get(url).header("x-dashboard-key", DASHBOARD_KEY);
    let asked = headers.iter().fold(asked, |asked, (name, value)| asked.header(*name, *value));
    asked.send().await.expect("an answer").text().await.expect("text")
}

/// What the button of a block copies.
fn copied<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("id=\"{id}\">")).expect("the block");
    rest.split_once("</pre>").expect("its end").0
}

/// What a shell prints that is given these lines and a key of the API.
fn shell(lines: &str) -> String {
    let run = Command::new("sh")
        .args(["-euc", lines])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("ANTHROPIC_API_KEY", CLIENT_KEY)
        .output()
        .expect("a shell");
    assert!(run.status.success(), "{lines}: {run:?}");
    String::from_utf8(run.stdout).expect("UTF-8")
}

/// The stand-in answers on another thread while the shell is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lines_of_the_page_work_as_they_are_copied() {
    let upstream = upstream();
    let nexus = Nexus::up(&upstream.url()).await.expect("nexus starts");
    let page = page(&nexus, &[]).await;
    let base = format!("ANTHROPIC_BASE_URL=http://localhost:{}", nexus.port());
    let once = copied(&page, "s1").strip_suffix("claude").expect("it starts Claude Code");
    assert!(shell(&format!("{once} env")).contains(&format!("{base}\n")));
    let script = copied(&page, "s5").strip_suffix("claude").expect("it starts Claude Code");
    assert!(shell(&format!("{script}env")).contains(&format!("{base}\n")));
    let settings: Value = serde_json::from_str(&shell(copied(&page, "s6"))).expect("JSON");
    assert_eq!(settings["env"]["CLAUDE_CODE_GATEWAY_HINT_HEADERS"], "1");
    let answer: Value = serde_json::from_str(&shell(copied(&page, "s4"))).expect("JSON");
    assert_eq!(answer["type"], "message", "{answer}");
}

#[tokio::test]
async fn behind_a_proxy_the_page_says_what_to_put() {
    let upstream = upstream();
    let builder = NexusBuilder::new("up", &upstream.url()).env("TRUSTED_PROXIES", "127.0.0.1");
    let nexus = builder.env("DASHBOARD_CACHE_TTL", "0").start().await.expect("nexus starts");
    let own = format!("http://localhost:{}", nexus.port());
    let direct = page(&nexus, &[]).await;
    assert!(direct.contains(&own) && !direct.contains("is an example"), "{direct}");
    for headers in [
        &[("host", "nexus.team.example")][..],
        &[("host", "nexus.team.example"), ("x-forwarded-proto", "https")],
        &[("x-forwarded-proto", "https")],
    ] {
        let proxied = page(&nexus, headers).await;
        assert!(!proxied.contains(&own), "{headers:?}: it leads nowhere from there");
        let says_how = proxied.contains("is an example") && proxied.contains("nexus-gateway");
        assert!(says_how, "{proxied}");
    }

    let asked = http_client()
        .post(format!("{}/v1/messages", nexus.url()))
        .header("host", "api.team.example")
        .header("x-api-key", CLIENT_KEY)
        .header("anthropic-version", "2023-06-01")
        .json(&json!({"model": "claude-opus-5-5", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}));
    assert_eq!(asked.send().await.expect("an answer").status(), 200);
    wait::until("the name that a client used", SOON, async || {
        let proxied = page(&nexus, &[("x-forwarded-proto", "https")]).await;
        proxied.contains("come in under <code>api.team.example</code>").then_some(())
    })
    .await;
}
