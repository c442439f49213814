//! Real clients with a client key: the upstream sees the stored credential, of either kind, and
//! never the key.

use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::clients::{self, ClaudeCode, Login};
use nexus_e2e::{Nexus, NexusBuilder, credentials};
use nexus_scripted::{Anthropic, OAuth, Request, Server};
use serde_json::{Value, json};

const CLIENT_KEY: &str = "cnp_live_e2e0123456789abcdef0123456789abcdef0";
const STORED_KEY: &str = "sk-ant-api03-stored-for-the-team";
const BETA: &str = "oauth-2025-04-20";
const DRAIN: Duration = Duration::from_secs(20);

/// `nexus up` whose domain is the address that clients use, so that its `Host` selects the file.
async fn start(content: &Value, token_url: &str) -> (Server, Nexus) {
    let upstream =
        Server::local(Anthropic::new(Arc::new(SystemClock), "stored")).expect("a free port");
    let nexus = NexusBuilder::new("up", &upstream.url())
        .env("NEXUS_OAUTH_TOKEN_URL", token_url)
        .env("ALLOW_PASSTHROUGH", "false")
        .start()
        .await
        .expect("nexus starts");
    credentials::store(&nexus, "127.0.0.1", content).await;
    (upstream, nexus)
}

/// Both SDKs and Claude Code, each with the key in another place.
async fn work(nexus: &Nexus) {
    let base = nexus.url();
    for found in [
        clients::python("sdk.py", &base, &Login::api_key(CLIENT_KEY)).await,
        clients::node("sdk.mjs", &base, &Login::bearer(CLIENT_KEY)).await,
    ] {
        let found = found.expect("the script runs");
        assert_eq!((&found["stream"], &found["retried"]), (&json!("Red"), &json!("survived")));
    }
    let claude = ClaudeCode::new(&base).expect("a home").login(Login::bearer(CLIENT_KEY));
    let answer = claude.prompt("Say it [[say: Said.]]", None).await.expect("an answer");
    assert_eq!((&answer["result"], &answer["is_error"]), (&json!("Said."), &json!(false)));
}

/// What arrived, after a look for the client's key in all of it.
fn arrived(upstream: &Server) -> Vec<Request> {
    let requests: Vec<_> = upstream.seen().entries().into_iter().map(|e| e.request).collect();
    assert!(requests.len() > 15, "{}", requests.len());
    for request in &requests {
        let all = [&request.head[..], &request.body[..]].concat();
        assert!(!String::from_utf8_lossy(&all).contains("cnp_"), "{}", request.target);
    }
    requests
}

/// The accounts of what is stored: seven requests of the first SDK, six of the second, which is not
/// refused a second time, and Claude Code's.
async fn accounts(nexus: &Nexus) -> Vec<Value> {
    let rows = nexus.drained(14, DRAIN).await;
    rows.iter().map(|row| row["accountId"].clone()).collect()
}

#[tokio::test]
async fn a_stored_key_goes_up_in_place_of_the_clients() {
    let content = json!({
        "type": "api_key", "accountId": "acc_team", "api_key": STORED_KEY,
        "client_api_key": ["cnp_live_other000000000000000000000000000", CLIENT_KEY],
    });
    let (upstream, nexus) = start(&content, "http://127.0.0.1:9/token").await;
    work(&nexus).await;
    for request in arrived(&upstream) {
        assert_eq!(request.header("x-api-key"), Some(STORED_KEY), "{}", request.target);
        assert_eq!(request.header("authorization"), None, "{}", request.target);
        assert!(!request.header("anthropic-beta").unwrap_or_default().contains(BETA));
    }
    assert!(accounts(&nexus).await.iter().all(|account| account == "acc_team"));
}

#[tokio::test]
async fn a_stored_login_is_renewed_and_goes_up_with_its_beta_value() {
    let oauth = Arc::new(OAuth::new(3600));
    oauth.know("sk-ant-ort01-first");
    let tokens = Server::local(oauth.clone()).expect("a free port");
    let pair = json!({
        "accessToken": "sk-ant-oat01-expired", "refreshToken": "sk-ant-ort01-first",
        "expiresAt": 0, "scopes": ["user:inference"], "isMax": true,
    });
    let content = json!({
        "type": "oauth", "accountId": "acc_max", "client_api_key": CLIENT_KEY, "oauth": pair,
    });
    let (upstream, nexus) = start(&content, &format!("{}/v1/oauth/token", tokens.url())).await;
    work(&nexus).await;
    let requests = arrived(&upstream);
    for request in &requests {
        let seen = request.header("authorization");
        assert_eq!(seen, Some("Bearer sk-ant-oat01-scripted-1"), "{}", request.target);
        assert_eq!(request.header("x-api-key"), None, "{}", request.target);
        let beta = request.header("anthropic-beta").unwrap_or_default();
        assert_eq!(beta.matches(BETA).count(), 1, "{beta}");
    }
    let appended = |request: &Request| {
        let beta = request.header("anthropic-beta").unwrap_or_default();
        beta.starts_with("claude-code-") && beta.ends_with(&format!(",{BETA}"))
    };
    assert!(requests.iter().any(appended), "to what Claude Code asks for");
    assert_eq!(oauth.issued(), 1);
    assert!(accounts(&nexus).await.iter().all(|account| account == "acc_max"));
}
