//! The other stand-ins, asked over the wire.

use std::sync::Arc;

use nexus_scripted::oauth::{Failure, OAuth};
use nexus_scripted::{Gemini, GitHub, Server, Slack, Spark, http_client};
use reqwest::Response;
use serde_json::{Value, json};

async fn post(url: &str, header: (&str, &str), body: &Value) -> Response {
    http_client().post(url).header(header.0, header.1).json(body).send().await.expect("an answer")
}

#[tokio::test]
async fn gemini_analyses_and_fails_as_asked() {
    let server = Server::local(Gemini::default()).expect("a free port");
    let url = format!("{}/v1beta/models/gemini-test:generateContent", server.url());
    let ask = async |text: &str| {
        let body = json!({"contents": [{"role": "user", "parts": [{"text": text}]}]});
        post(&url, ("x-goog-api-key", "k"), &body).await
    };
    let answer: Value = ask("hello").await.json().await.expect("JSON");
    let text = answer["candidates"][0]["content"]["parts"][0]["text"].as_str().expect("text");
    let data: Value = serde_json::from_str(text).expect("JSON in the text");
    assert_eq!(data["analysis"]["sentiment"], "positive");
    for status in [429, 429, 200] {
        assert_eq!(ask("[[gemini status=429 times=2]]").await.status(), status);
    }
    let cut: Value =
        ask("[[gemini truncated finish=MAX_TOKENS]]").await.json().await.expect("JSON");
    assert_eq!(cut["candidates"][0]["finishReason"], "MAX_TOKENS");
}

#[tokio::test]
async fn a_refresh_token_works_once() {
    let oauth = Arc::new(OAuth::new(60));
    oauth.know("first");
    let server = Server::local(oauth.clone()).expect("a free port");
    let url = format!("{}/v1/oauth/token", server.url());
    let refresh = async |token: &str| {
        post(&url, ("x", "x"), &json!({"grant_type": "refresh_token", "refresh_token": token}))
            .await
    };
    let pair: Value = refresh("first").await.json().await.expect("JSON");
    assert_eq!(pair["expires_in"], 60);
    assert_eq!(refresh("first").await.status(), 400);
    oauth.fail_next(Failure::Status(503));
    let next = pair["refresh_token"].as_str().expect("a token");
    assert_eq!(refresh(next).await.status(), 503);
    assert_eq!(refresh(next).await.status(), 200);
    assert_eq!(oauth.issued(), 2);
}

#[tokio::test]
async fn slack_wants_text_and_sometimes_patience() {
    let server = Server::local(Slack::default()).expect("a free port");
    let send = async |path: &str, body: Value| {
        post(&format!("{}{path}", server.url()), ("x", "x"), &body).await.status().as_u16()
    };
    assert_eq!(send("/services/a", json!({"text": "hi"})).await, 200);
    assert_eq!(send("/services/a", json!({})).await, 400);
    assert_eq!(send("/services/limited", json!({"text": "hi"})).await, 429);
    assert_eq!(send("/services/limited", json!({"text": "hi"})).await, 200);
}

#[tokio::test]
async fn spark_keeps_feedback() {
    let server = Server::local(Spark::new("k")).expect("a free port");
    let url = server.url();
    let overall = json!({"overall_feedback": {"rating": 5, "comments": "good"}});
    let feedback =
        json!({"session_id": "s1", "feedback": {"recommendation_feedback": overall.clone()}});
    let kept =
        post(&format!("{url}/send_feedback"), ("authorization", "Bearer k"), &feedback).await;
    assert_eq!(kept.status(), 201);
    let refused =
        post(&format!("{url}/send_feedback"), ("authorization", "Bearer x"), &feedback).await;
    assert_eq!(refused.status(), 401);
    let ask = json!({"session_ids": ["s1", "s2"]});
    let batch = post(&format!("{url}/feedback/batch"), ("x-api-key", "k"), &ask).await;
    let batch: Value = batch.json().await.expect("JSON");
    assert_eq!(batch["results"]["s1"]["feedback"][0]["recommendation_feedback"], overall);
}

#[tokio::test]
async fn github_lists_reads_and_breaks() {
    let github = Arc::new(GitHub::default());
    github.put("prompts/a.yaml", "template: hi");
    let server = Server::local(github.clone()).expect("a free port");
    let get = async |path: &str| {
        let url = format!("{}/repos/o/r/{path}", server.url());
        http_client().get(url).send().await.expect("an answer")
    };
    let head: Value = get("commits/main").await.json().await.expect("JSON");
    let list: Value = get("contents/prompts?ref=main").await.json().await.expect("JSON");
    assert_eq!(list[0]["name"], "a.yaml");
    let file: Value = get("contents/prompts/a.yaml").await.json().await.expect("JSON");
    assert_eq!(file["encoding"], "base64");
    github.put("prompts/b.yaml", "template: ho");
    let moved: Value = get("commits/main").await.json().await.expect("JSON");
    assert_ne!(head["sha"], moved["sha"]);
    github.break_file("prompts/b.yaml", true);
    assert_eq!(get("contents/prompts/b.yaml").await.status(), 500);
    github.limit(true);
    assert_eq!(get("commits/main").await.status(), 403);
}
