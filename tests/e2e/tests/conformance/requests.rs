//! What reaches the upstream.

use std::time::Duration;

use nexus_e2e::{http_client, wait};
use nexus_scripted::{Answer, Entry, Outcome};
use serde_json::json;

use crate::corpus::{MAX_BODY, bodies};
use crate::table::{Table, digest};

const SOON: Duration = Duration::from_secs(10);
const STORED: Duration = Duration::from_mins(1);

fn fine() -> Answer {
    Answer::json(200, &json!({"type": "message", "content": []}))
}

#[tokio::test]
async fn bodies_arrive_byte_for_byte() {
    let (upstream, nexus) = crate::before(|_| fine()).await;
    let (client, api) = (http_client(), nexus.api());
    let mut table = Table::default();
    for (name, body) in bodies() {
        let url = format!("{}/v1/messages?beta=true", nexus.url());
        let answer = client.post(&url).header("x-api-key", "k").body(body.clone()).send().await;
        let answer = answer.expect("an answer");
        let id = answer.headers()["x-nexus-request-id"].to_str().expect("text").to_owned();
        let arrived = upstream.seen().entries().pop().map(|entry| entry.request.body);
        let arrived = arrived.map_or("nothing".to_owned(), |body| digest(&body));
        let stored = async || api.is_stored(&id).await.then_some(());
        wait::until("it is stored", STORED, stored).await;
        let stored = digest(&api.body(&id, "request").await.expect("a body"));
        let (sent, status) = (digest(&body), answer.status().as_u16());
        table.row(&name, &format!("{sent} {sent} 200"), &format!("{arrived} {stored} {status}"));
    }
    table.finish();
    let over = client.post(format!("{}/v1/messages", nexus.url())).body(vec![b'x'; MAX_BODY + 1]);
    let answer = over.send().await.expect("an answer");
    assert_eq!(answer.status(), 413);
    let error: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(error["error"]["type"], "request_too_large");
}

#[tokio::test]
async fn methods_paths_and_queries_pass() {
    let (upstream, nexus) = crate::before(|_| fine()).await;
    let client = http_client();
    let mut table = Table::default();
    for (method, target) in [
        ("POST", "/v1/messages"),
        ("POST", "/v1/messages?beta=true&x=%2F%20a"),
        ("POST", "/v1/messages/count_tokens?beta=true"),
        ("GET", "/v1/models?limit=1000&after_id=%C3%A9"),
        ("GET", "/v1/models/claude-x"),
        ("GET", "/v1/messages/batches/b_1/results"),
        ("DELETE", "/v1/files/file_1"),
        ("PUT", "/v1/something/new"),
        ("PATCH", "/v1/organizations/x"),
        ("OPTIONS", "/v1/messages"),
        ("GET", "/api/hello"),
        ("HEAD", "/api/hello"),
    ] {
        let request = client.request(method.parse().expect("a method"), nexus.url() + target);
        let answer = request.header("x-api-key", "k").send().await;
        let status = answer.map_or(0, |answer| answer.status().as_u16());
        let last = upstream.seen().entries().pop().map(|entry| entry.request);
        let arrived = last.map_or(String::new(), |last| format!("{} {}", last.method, last.target));
        let expected = format!("{method} {target} 200");
        table.row(&format!("{method} {target}"), &expected, &format!("{arrived} {status}"));
    }
    table.finish();
}

#[tokio::test]
async fn headers_pass_but_for_the_connections_own() {
    let (upstream, nexus) = crate::before(|_| fine()).await;
    let passing = [
        ("x-api-key", "sk-ant-client"),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "a-1,b-2"),
        ("anthropic-something-new", "x"),
        ("x-claude-code-session-id", "s"),
        ("x-stainless-retry-count", "1"),
        ("user-agent", "client/1.0 (x)"),
        ("accept-encoding", "gzip, br, zstd"),
        ("x-unknown", "a  b\tc"),
        ("cookie", "a=b"),
    ];
    let request = http_client().post(format!("{}/v1/messages", nexus.url())).body("{}");
    let request =
        passing.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request =
        request.header("connection", "x-hop").header("x-hop", "1").header("te", "trailers");
    request.send().await.expect("an answer");
    let seen = upstream.seen().entries().pop().expect("it arrived").request;
    let mut table = Table::default();
    for (name, value) in passing {
        table.row(name, value, seen.header(name).unwrap_or("missing"));
    }
    for name in ["x-hop", "te", "proxy-authorization"] {
        table.row(name, "dropped", seen.header(name).unwrap_or("dropped"));
    }
    let host = upstream.url().replace("http://", "");
    table.row("host", &host, seen.header("host").unwrap_or("missing"));
    table.finish();
}

#[tokio::test]
async fn event_logging_goes_nowhere() {
    let (upstream, nexus) = crate::before(|_| fine()).await;
    let url = format!("{}/api/event_logging/batch", nexus.url());
    let answer = http_client().post(url).body("{}").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<serde_json::Value>().await.expect("JSON"), json!({"status": "ok"}));
    assert_eq!(upstream.seen().count(), 0);
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream() {
    let (upstream, nexus) = crate::before(|_| {
        let event = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
        let steps =
            vec![nexus_scripted::http::Step::Send(event.into()), nexus_scripted::http::Step::Stall];
        Answer::new(200).header("content-type", "text/event-stream").stream(steps)
    })
    .await;
    let url = format!("{}/v1/messages", nexus.url());
    let answer = http_client().post(url).body("{\"stream\":true}").send().await.expect("a head");
    let id = answer.headers()["x-nexus-request-id"].to_str().expect("an id").to_owned();
    drop(answer);
    let gone = |entries: &[Entry]| entries.iter().any(|e| e.outcome == Some(Outcome::ClientGone));
    tokio::time::timeout(SOON, upstream.seen().until(gone)).await.expect("the upstream is let go");
    let api = nexus.api();
    // The row is there as soon as the request is; its state comes with the answer's end.
    let row = nexus_e2e::wait::until("the exchange's end", SOON, || async {
        api.request(&id).await.ok().filter(|row| !row["state"].is_null())
    })
    .await;
    assert_eq!(row["state"], "client_aborted");
}
