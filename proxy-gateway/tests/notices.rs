//! What is told of exchanges: statistics, live events, Slack, telemetry, samples. Never a secret.

mod support;

use std::time::Duration;

use nexus_bus::LiveBus;
use nexus_contract::LiveTopic;
use nexus_gateway::SlackConfig;
use nexus_scripted::{Answer, Request, Server, Service, slack::Slack};
use serde_json::{Value, json};
use support::{LIMIT, Running, config, raw, start, start_in};

const SECRET: &str = "sk-ant-api03-AAAABBBBCCCCDDDDEEEEFFFF";

/// A message with usage and a tool, or an error for one that asks for it.
struct Messages;

impl Service for Messages {
    fn answer(&self, request: &Request) -> Answer {
        if request.body.windows(4).any(|four| four == b"fail") {
            let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
            return Answer::json(529, &error);
        }
        Answer::json(
            200,
            &json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
                "content": [
                    {"type": "text", "text": format!("the key is {SECRET}")},
                    {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}},
                ],
                "usage": {"input_tokens": 11, "output_tokens": 7},
            }),
        )
    }
}

/// Takes whatever comes.
struct Sink;

impl Service for Sink {
    fn answer(&self, _request: &Request) -> Answer {
        Answer::new(204)
    }
}

fn serve(service: impl Service) -> Server {
    Server::local(service).expect("a free port")
}

fn prompt(text: &str) -> Vec<u8> {
    let tools = json!([{"name": "Bash", "input_schema": {"type": "object"}}]);
    let messages = json!([{"role": "user", "content": text}]);
    let body = json!({"model": "claude-x", "max_tokens": 9, "tools": tools, "messages": messages});
    body.to_string().into_bytes()
}

async fn ask(gateway: &Running, text: &str) -> raw::Reply {
    raw::send(gateway.addr, &raw::post("/v1/messages", "x-api-key: own\r\n", &prompt(text))).await
}

async fn get(gateway: &Running, path: &str, fields: &str) -> raw::Reply {
    let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\n{fields}\r\n");
    raw::send(gateway.addr, request.as_bytes()).await
}

#[tokio::test]
async fn tokens_are_counted_per_domain_behind_the_dashboards_key() {
    let upstream = serve(Messages);
    let mut config = config(&upstream.url());
    config.access.dashboard_key = Some("letmein".to_owned().into());
    let gateway = start(config);
    let mut live = gateway.live.subscribe();
    for _ in 0..2 {
        ask(&gateway, "hello").await;
    }
    let mut ends = 0;
    while ends < 2 {
        let event = tokio::time::timeout(LIMIT, live.recv()).await.expect("in time").expect("told");
        ends += usize::from(event.topic == LiveTopic::Finished);
    }
    assert_eq!(get(&gateway, "/token-stats", "").await.status, 401);
    assert_eq!(get(&gateway, "/token-stats", "x-dashboard-key: wrong\r\n").await.status, 401);
    let stats =
        get(&gateway, "/token-stats?domain=test.local", "x-dashboard-key: letmein\r\n").await;
    let stats = &stats.json()["test.local"];
    let expected = json!({
        "inputTokens": 22, "outputTokens": 14, "requestCount": 2, "queryEvaluationCount": 0,
        "inferenceCount": 2, "toolCallCount": 2, "lastUpdated": stats["lastUpdated"],
    });
    assert_eq!(stats, &expected);
    assert!(stats["lastUpdated"].is_string());
    let other = get(&gateway, "/token-stats?domain=other", "x-dashboard-key: letmein\r\n").await;
    assert_eq!(other.json(), json!({}));
}

#[tokio::test]
async fn an_exchange_is_told_while_it_happens() {
    let upstream = serve(Messages);
    let gateway = start(config(&upstream.url()));
    let mut live = gateway.live.subscribe();
    let id = ask(&gateway, "hello").await.field("x-nexus-request-id").expect("an id").to_owned();
    let mut told = Vec::new();
    while told.len() < 3 {
        let event = tokio::time::timeout(LIMIT, live.recv()).await.expect("in time").expect("told");
        assert_eq!(event.id.expect("of an exchange").to_string(), id);
        told.push((event.topic, event.read::<Value>().expect("JSON")));
    }
    let topics: Vec<_> = told.iter().map(|(topic, _)| *topic).collect();
    assert_eq!(topics, [LiveTopic::Started, LiveTopic::FirstByte, LiveTopic::Finished]);
    assert_eq!(told[0].1, json!({"model": "claude-x", "stream": null, "path": "/v1/messages"}));
    assert_eq!(told[2].1["outputTokens"], 7);
    assert_eq!(told[2].1["state"], "completed");
}

/// Waits until `count` posts came, and gives their bodies.
async fn posts(server: &Server, count: usize) -> Vec<Value> {
    let seen = server.seen().until(|seen| seen.len() >= count);
    let seen = tokio::time::timeout(LIMIT, seen).await.expect("they come");
    seen.iter().map(|entry| entry.request.json()).collect()
}

fn webhook(server: &Server, path: &str) -> SlackConfig {
    SlackConfig {
        webhook_url: format!("{}{path}", server.url()).into(),
        channel: Some("#nexus".into()),
        username: None,
        icon_emoji: None,
    }
}

#[tokio::test]
async fn slack_hears_of_a_new_prompt_once_and_of_every_error() {
    let (upstream, slack) = (serve(Messages), serve(Slack::default()));
    let mut config = config(&upstream.url());
    config.notify.slack = Some(webhook(&slack, "/services/limited"));
    let gateway = start(config);
    ask(&gateway, "what is up?").await;
    // Slack asks to wait once; the notice comes again.
    let first = posts(&slack, 2).await.remove(1);
    ask(&gateway, "what is up?").await;
    ask(&gateway, "fail").await;
    let all = posts(&slack, 3).await;
    let text = first["text"].as_str().expect("a text");
    assert!(text.contains("what is up?") && text.contains("Bash"), "{text}");
    assert!(!text.contains(SECRET) && text.contains("[masked]"), "{text}");
    assert_eq!(first["channel"], "#nexus");
    assert!(all[2]["text"].as_str().expect("a text").contains("Overloaded"));
    assert_eq!(all.len(), 3, "the repeated prompt is not told again");
}

#[tokio::test]
async fn a_domains_own_webhook_wins() {
    let (upstream, global, own) = (serve(Messages), serve(Sink), serve(Sink));
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = config(&upstream.url());
    config.access.credentials_dir = dir.path().to_owned();
    config.access.client_auth = false;
    config.notify.slack = Some(webhook(&global, "/global"));
    let form = json!({"type": "api_key", "api_key": "k", "slack": {"webhook_url": own.url()}});
    std::fs::write(dir.path().join("test.local.credentials.json"), form.to_string())
        .expect("written");
    let gateway = start_in(config, dir);
    ask(&gateway, "hello").await;
    posts(&own, 1).await;
    assert_eq!(global.seen().count(), 0);
}

#[tokio::test]
async fn telemetry_and_samples_hold_no_secret() {
    let (upstream, sink) = (serve(Messages), serve(Sink));
    let dir = tempfile::tempdir().expect("a folder");
    let samples = dir.path().join("samples");
    let mut config = config(&upstream.url());
    config.notify.telemetry_url = Some(format!("{}/telemetry", sink.url()));
    config.capture.samples_dir = Some(samples.clone());
    let gateway = start_in(config, dir);
    ask(&gateway, &format!("my key: {SECRET}")).await;
    let told = posts(&sink, 1).await.remove(0);
    assert_eq!((&told["inputTokens"], &told["model"]), (&json!(11), &json!("claude-x")));
    assert_eq!(told["domain"], "test.local");
    let dir = gateway.stop_and_keep().await;
    let sample = std::fs::read_to_string(samples.join("inference.json")).expect("a sample");
    let sample: Value = serde_json::from_str(&sample).expect("JSON");
    assert!(!sample.to_string().contains(SECRET));
    assert_eq!(sample["request"]["body"]["messages"][0]["content"], "my key: [masked]");
    assert_eq!(sample["response"]["status"], 200);
    drop(dir);
}

#[tokio::test]
async fn a_relay_records_nothing() {
    let upstream = serve(Messages);
    let mut config = config(&upstream.url());
    config.capture.enabled = false;
    let gateway = start(config);
    assert_eq!(ask(&gateway, "hello").await.status, 200);
    let nothing = tokio::time::timeout(Duration::from_millis(200), gateway.next_event()).await;
    assert!(nothing.is_err());
}

#[tokio::test]
async fn a_trusted_proxy_says_whether_it_was_https() {
    let upstream = serve(Messages);
    for (trusted, scheme) in
        [("127.0.0.0/8", "https"), ("127.0.0.1/32", "https"), ("10.0.0.0/8", "http")]
    {
        let mut config = config(&upstream.url());
        config.clients.trusted_proxies = vec![trusted.parse().expect("a network")];
        let gateway = start(config);
        let file = get(&gateway, "/client-setup/nexus.sh", "x-forwarded-proto: https\r\n").await;
        assert!(file.text().contains(&format!("'{scheme}://h'")), "{trusted}: {}", file.text());
    }
}

#[tokio::test]
async fn setup_files_name_the_address_that_was_asked() {
    let upstream = serve(Messages);
    let gateway = start(config(&upstream.url()));
    let file = async |name: &str| get(&gateway, &format!("/client-setup/{name}"), "").await;
    assert!(file("nexus.sh").await.text().contains("ANTHROPIC_BASE_URL='http://h'"));
    assert!(file("nexus.ps1").await.text().contains("$env:ANTHROPIC_BASE_URL = 'http://h'"));
    for name in ["settings.json", "settings-with-key.json"] {
        let settings = file(name).await.json();
        let expected =
            json!({"ANTHROPIC_BASE_URL": "http://h", "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1"});
        assert_eq!(settings["env"], expected, "{name}");
    }
    for name in ["other", "..%2fsecret", "%2e%2e/secret"] {
        assert_eq!(file(name).await.status, 404, "{name}");
    }
}
