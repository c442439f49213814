//! What comes back to the client.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nexus_e2e::http_client;
use nexus_scripted::Answer;
use nexus_scripted::http::{Body, Coding, HeadFault, Step, encode};

use crate::corpus;
use crate::table::{Table, digest};

/// An answer, what a client must get of its body, and whether it ends well.
type Case = (Answer, Vec<u8>, bool);

/// By name: the recorded streams, in pieces that respect nothing, and every odd one.
fn all_cases() -> BTreeMap<String, Case> {
    let sse = || Answer::new(200).header("content-type", "text/event-stream; charset=utf-8");
    let recorded = corpus::streams().into_iter().map(|(name, stream)| {
        let steps = stream.chunks(89).map(|piece| Step::Send(piece.to_vec().into())).collect();
        (name, (sse().stream(steps), stream, true))
    });
    let odd = cases().into_iter().map(|(name, case)| (name.to_owned(), case));
    recorded.chain(odd).collect()
}

fn cases() -> BTreeMap<&'static str, Case> {
    let mut cases = BTreeMap::new();
    let sse = || Answer::new(200).header("content-type", "text/event-stream; charset=utf-8");
    let mut stream = |name, chunks: &[&[u8]], end: Option<Step>| {
        let sent = chunks.iter().map(|chunk| Step::Send(chunk.to_vec().into()));
        let whole = end.is_none();
        let answer = sse().stream(sent.chain(end).collect());
        cases.insert(name, (answer, chunks.concat(), whole));
    };
    let events: &[&[u8]] =
        &[b"event: message_start\ndata: {}\n\n", b"event: ping\ndata: {\"type\":\"ping\"}\n\n"];
    let long = [b"data: ".as_slice(), &vec![b'a'; 300_000], b"\n\n"].concat();
    stream("events", events, None);
    stream(
        "CRLF and comments",
        &[b": hello\r\n\r\n", b"event: x\r\ndata: 1\r\n\r\n", b"id: 7\rdata: 2\r\r"],
        None,
    );
    stream("a line of 300 KB", &[&long], None);
    stream("a character cut between chunks", &[b"data: \xf0\x9f", b"\x94\xb5\n\n"], None);
    stream("bytes that are no UTF-8", &[b"data: \xff\xfe\x00\n\n"], None);
    stream("one byte a chunk", &[b"d", b"a", b"t", b"a", b":", b"\n", b"\n"], None);
    stream("no bytes at all", &[], None);
    stream("cut after an event", events, Some(Step::Cut));
    stream("cut in a line", &[b"event: message_start\nda"], Some(Step::Cut));
    stream("cut in a character", &[b"data: \xf0\x9f"], Some(Step::Cut));
    stream("reset", events, Some(Step::Reset));
    for coding in [Coding::Gzip, Coding::Brotli, Coding::Deflate] {
        let parts = encode(coding, &[events.concat().into()]).expect("it encodes");
        let bytes = parts.concat();
        let half = bytes[..bytes.len() / 2].to_vec();
        let encoded = sse().header("content-encoding", coding.token());
        let steps = vec![Step::Send(half.clone().into()), Step::Cut];
        cases.insert(cut_name(coding), (encoded.clone().stream(steps), half, false));
        let steps = parts.into_iter().map(Step::Send).collect();
        cases.insert(coding.token(), (encoded.stream(steps), bytes, true));
    }
    let zstd = zstd::encode_all(&events.concat()[..], 3).expect("it encodes");
    let sent = sse().header("content-encoding", "zstd");
    cases.insert("zstd", (sent.stream(vec![Step::Send(zstd.clone().into())]), zstd, true));
    let short = Answer {
        body: Body::Sized(vec![Step::Send("half".into()), Step::Cut]),
        ..Answer::new(200)
    };
    cases.insert("a sized body cut", (short, b"half".to_vec(), false));
    cases.insert(
        "an unknown coding",
        (Answer::new(200).header("content-encoding", "x-new").body("zzz"), b"zzz".to_vec(), true),
    );
    cases
}

fn cut_name(coding: Coding) -> &'static str {
    match coding {
        Coding::Gzip => "gzip, cut",
        Coding::Brotli => "br, cut",
        Coding::Deflate => "deflate, cut",
    }
}

/// All bytes that come, and whether the body ended as a body does.
async fn read(mut answer: reqwest::Response) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, true),
            Err(_cut) => return (bytes, false),
        }
    }
}

#[tokio::test]
async fn bodies_come_back_byte_for_byte_and_cuts_stay_cuts() {
    let cases = Arc::new(all_cases());
    let served = cases.clone();
    let (_upstream, nexus) = crate::before(move |request| {
        let name = request.header("x-case").unwrap_or_default();
        served.get(name).map_or_else(|| Answer::new(404), |(answer, ..)| answer.clone())
    })
    .await;
    let mut table = Table::default();
    for (name, (answer, body, whole)) in cases.iter() {
        let url = format!("{}/v1/messages", nexus.url());
        let request = http_client().post(url).header("x-case", name).body("{}");
        let (arrived, ended) = read(request.send().await.expect("a head")).await;
        let sent = format!("{} whole: {whole}", digest(body));
        table.row(name, &sent, &format!("{} whole: {ended}", digest(&arrived)));
        let coding = answer.headers.iter().find(|(name, _)| name == "content-encoding");
        assert!(coding.is_none() || !arrived.is_empty());
    }
    table.finish();
}

#[tokio::test]
async fn statuses_and_headers_pass_unchanged() {
    let (_upstream, nexus) = crate::before(|request| {
        let status = request.query("status").and_then(|status| status.parse().ok()).unwrap_or(200);
        Answer::json(
            status,
            &serde_json::json!({"type": "error", "error": {"type": "x", "message": "as it came"}}),
        )
        .header("request-id", "req_1")
        .header("retry-after", "17")
        .header("x-should-retry", "false")
        .header("anthropic-ratelimit-unified-5h-utilization", "0.5")
        .header("anthropic-something-new", "1")
        .header("connection", "x-hop")
        .header("x-hop", "1")
    })
    .await;
    let mut table = Table::default();
    for status in [200, 201, 400, 401, 403, 404, 413, 418, 422, 429, 500, 502, 503, 529, 599] {
        let url = format!("{}/v1/messages?status={status}", nexus.url());
        let answer = http_client().post(url).body("{}").send().await.expect("an answer");
        table.row("status", &status.to_string(), &answer.status().as_u16().to_string());
        for (name, value) in [
            ("request-id", "req_1"),
            ("retry-after", "17"),
            ("x-should-retry", "false"),
            ("anthropic-ratelimit-unified-5h-utilization", "0.5"),
            ("anthropic-something-new", "1"),
            ("x-hop", "missing"),
        ] {
            let arrived = answer.headers().get(name).and_then(|value| value.to_str().ok());
            table.row(&format!("{status} {name}"), value, arrived.unwrap_or("missing"));
        }
        assert!(answer.headers().contains_key("x-nexus-request-id"));
        let body = answer.text().await.expect("a body");
        table.row("body", r#"{"type":"error","error":{"type":"x","message":"as it came"}}"#, &body);
    }
    table.finish();
}

#[tokio::test]
async fn failures_before_the_head_have_the_apis_shape() {
    let (_upstream, nexus) = crate::before(|request| {
        let fault = if request.query("cut").is_some() { HeadFault::Cut } else { HeadFault::Reset };
        Answer { head_fault: fault, ..Answer::new(200) }
    })
    .await;
    for query in ["cut=1", "reset=1"] {
        let url = format!("{}/v1/messages?{query}", nexus.url());
        let answer = http_client().post(url).body("{}").send().await.expect("an answer");
        assert_eq!(answer.status(), 502, "{query}");
        let error: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(
            (&error["type"], &error["error"]["type"]),
            (&"error".into(), &"api_error".into())
        );
    }
}

#[tokio::test]
async fn chunks_are_not_held_back() {
    let (_upstream, nexus) = crate::before(|_| {
        let steps = vec![Step::Send("data: 1\n\n".into()), Step::Stall];
        Answer::new(200).header("content-type", "text/event-stream").stream(steps)
    })
    .await;
    let url = format!("{}/v1/messages", nexus.url());
    let mut answer = http_client().post(url).body("{}").send().await.expect("a head");
    let first = tokio::time::timeout(Duration::from_secs(5), answer.chunk()).await;
    assert_eq!(
        first.expect("in time").expect("a chunk").as_deref(),
        Some(b"data: 1\n\n".as_slice())
    );
}
