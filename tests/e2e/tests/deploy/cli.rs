//! The profile `cli`: a container from which a first query can be asked without any other set-up.

use std::{collections::BTreeMap, fs, path::Path, process::Command, sync::Arc};

use nexus_contract::SystemClock;
use nexus_e2e::{
    NexusBuilder,
    installation::Compose,
    paths::{clients, deploy},
};
use nexus_scripted::{Anthropic, Server};
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tool::read;

/// What the operator gives to `secrets.sh`.
const OWN_KEY: &str = "sk-ant-api03-of-the-operator";

/// Runs the shipped script in `dir`; what it leaves for the compose file.
fn secrets(dir: &Path) -> BTreeMap<String, String> {
    fs::copy(deploy("secrets.sh"), dir.join("secrets.sh")).expect("a copy");
    let mut script = Command::new("sh");
    script.arg(dir.join("secrets.sh")).env("ANTHROPIC_API_KEY", OWN_KEY);
    let made = script.output().expect("a shell");
    assert!(made.status.success(), "{made:?}");
    let file = fs::read_to_string(dir.join(".env")).expect("its variables");
    let pairs = file.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A client under whose resolver the gateways' name is this machine.
fn client(host: &str) -> Client {
    let here = ([127, 0, 0, 1], 0).into();
    nexus_scripted::http_builder().resolve(host, here).build().expect("a client")
}

async fn ask(client: &Client, base: &Url, token: &str) -> (StatusCode, Value) {
    let body = json!({
        "model": "claude-opus-5-5", "max_tokens": 10,
        "messages": [{"role": "user", "content": "Say hello [[say: Hello.]]"}],
    });
    let request = client.post(base.join("/v1/messages").expect("a URL")).bearer_auth(token);
    let request = request.header("anthropic-version", "2023-06-01").json(&body);
    let answer = request.send().await.expect("an answer");
    (answer.status(), answer.json().await.expect("JSON"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_query_needs_nothing_but_secrets_and_a_key() {
    let dir = TempDir::new().expect("a folder");
    let compose = Compose::read(secrets(dir.path())).expect("the file can be read");
    let told: BTreeMap<_, _> =
        compose.environment("cli").expect("its variables").into_iter().collect();
    let upstream = Server::local(Anthropic::new(Arc::new(SystemClock), "cli")).expect("a port");
    let nexus = NexusBuilder::new("up", &upstream.url())
        .env("CREDENTIALS_DIR", dir.path().join("credentials").display().to_string())
        .env("ALLOW_PASSTHROUGH", "false");
    let nexus = nexus.start().await.expect("nexus starts");

    let mut base = Url::parse(&told["ANTHROPIC_BASE_URL"]).expect("a URL");
    let client = client(base.host_str().expect("a host"));
    base.set_port(Some(nexus.port())).expect("a port");
    let (status, answer) = ask(&client, &base, &told["ANTHROPIC_AUTH_TOKEN"]).await;
    assert_eq!(
        (status, &answer["content"][0]["text"]),
        (StatusCode::OK, &json!("Hello.")),
        "{answer}"
    );
    let seen = upstream.seen().entries().pop().expect("a request");
    assert_eq!(seen.request.header("x-api-key"), Some(OWN_KEY), "the gateway's key went up");
    let (status, answer) = ask(&client, &base, "cnp_live_of-somebody-else").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{answer}");
}

/// What runs in the container is what the tests run.
#[test]
fn the_container_has_the_client_that_is_tested() {
    let package = fs::read_to_string(clients().join("package.json")).expect("a file");
    let package: Value = serde_json::from_str(&package).expect("JSON");
    let version = package["dependencies"]["@anthropic-ai/claude-code"].as_str().expect("a version");
    let image = read("cli/Dockerfile");
    assert!(image.contains(&format!("@anthropic-ai/claude-code@{version} ")), "{version}: {image}");
}
