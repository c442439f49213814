//! The stand-in for the Anthropic API, asked over the wire.

use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_scripted::{Anthropic, Outcome, Server};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

struct Upstream {
    server: Server,
    client: Client,
}

impl Upstream {
    fn start() -> Self {
        let server =
            Server::local(Anthropic::new(Arc::new(SystemClock), "test")).expect("a free port");
        Self { server, client: nexus_scripted::http_client() }
    }

    fn post(&self, body: &Value) -> RequestBuilder {
        let request = self.client.post(format!("{}/v1/messages", self.server.url()));
        request.header("x-api-key", "sk-test").header("anthropic-version", "2023-06-01").json(body)
    }

    async fn ask(&self, prompt: &str, stream: bool) -> Response {
        self.post(&ask(prompt, stream)).send().await.expect("an answer")
    }
}

fn ask(prompt: &str, stream: bool) -> Value {
    json!({
        "model": "claude-opus-5-5", "max_tokens": 100, "stream": stream,
        "messages": [{"role": "user", "content": prompt}],
    })
}

#[tokio::test]
async fn a_script_gives_a_message() {
    let upstream = Upstream::start();
    let answer = upstream.ask("[[think: hm]]+[[bash: ls]]", false).await;
    assert!(answer.headers().contains_key("request-id"));
    let message: Value = answer.json().await.expect("JSON");
    assert_eq!(message["stop_reason"], "tool_use");
    assert_eq!(message["content"][0]["type"], "thinking");
    assert_eq!(message["content"][1]["input"]["command"], "ls");
}

#[tokio::test]
async fn a_stream_ends_with_its_stop_event() {
    let upstream = Upstream::start();
    let text = upstream.ask("[[say: Grüße]]", true).await.text().await.expect("a stream");
    assert!(text.starts_with("event: message_start\n"));
    assert!(text.contains("event: ping\n"));
    assert!(text.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
}

#[tokio::test]
async fn a_failure_happens_as_often_as_asked() {
    let upstream = Upstream::start();
    let prompt = "[[fail status=529 times=2 retry_after=1]] [[say: ok]]";
    for expected in [529, 529, 200, 200] {
        let answer = upstream.ask(prompt, false).await;
        assert_eq!(answer.status(), expected);
        assert_eq!(answer.headers().contains_key("retry-after"), expected == 529);
    }
}

#[tokio::test]
async fn cuts_leave_the_body_without_an_end() {
    let upstream = Upstream::start();
    for point in ["start", "3", "line", "utf8", "delta"] {
        for stream in [true, false] {
            let answer = upstream.ask(&format!("[[cut at={point}]] [[say: é ü ö]]"), stream).await;
            assert_eq!(answer.status(), 200);
            assert!(answer.bytes().await.is_err(), "{point} {stream}");
        }
    }
    let head = upstream.post(&ask("[[cut at=head]] [[say: x]]", true)).send().await;
    assert!(head.is_err());
}

#[tokio::test]
async fn a_stall_sees_the_client_go() {
    let upstream = Upstream::start();
    let answer = upstream.ask("[[stall at=2]] [[say: x]]", true).await;
    drop(answer);
    let gone = upstream.server.seen().until(|entries| entries[0].outcome.is_some());
    let entries = tokio::time::timeout(Duration::from_secs(10), gone).await.expect("in time");
    assert_eq!(entries[0].outcome, Some(Outcome::ClientGone));
}

#[tokio::test]
async fn errors_are_worded_as_the_api_does() {
    let upstream = Upstream::start();
    for (body, message) in [
        (json!({"model": "claude-x", "messages": []}), "max_tokens: Field required"),
        (
            json!({"model": "claude-x", "max_tokens": 1, "messages": []}),
            "messages: at least one message is required",
        ),
        (json!({"max_tokens": 1}), "model: Field required"),
    ] {
        let answer = upstream.post(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 400);
        let error: Value = answer.json().await.expect("JSON");
        assert_eq!(error["error"]["message"], message);
        assert!(error["request_id"].is_string());
    }
}

#[tokio::test]
async fn a_thread_goes_on_from_its_message() {
    let upstream = Upstream::start();
    let mut body = ask("Look [[bash: ls]] [[say: from the script]]", false);
    body["thread"] = json!({"type": "create"});
    let first: Value = upstream.post(&body).send().await.expect("sent").json().await.expect("JSON");
    body["thread"] = json!({"type": "continue", "previous_message_id": first["id"]});
    body["messages"] = json!([{"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": first["content"][0]["id"], "content": "a"},
    ]}]);
    let second: Value =
        upstream.post(&body).send().await.expect("sent").json().await.expect("JSON");
    assert_eq!(second["content"][0]["text"], "from the script");
    body["thread"]["previous_message_id"] = "msg_unknown".into();
    assert_eq!(upstream.post(&body).send().await.expect("sent").status(), 404);
}

#[tokio::test]
async fn encoded_bodies_name_their_coding() {
    let upstream = Upstream::start();
    for coding in ["gzip", "br", "deflate"] {
        let answer = upstream.ask(&format!("[[encode {coding}]] [[say: hi]]"), true).await;
        assert_eq!(answer.headers()["content-encoding"], coding);
        assert!(!answer.bytes().await.expect("whole").is_empty());
    }
}
