//! Byte equality by hash for a corpus: what the client sends, what the upstream gets, what the journal
//! holds, and the same on the way back. Prints a table; run with `--nocapture` to see it.

mod support;

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use nexus_contract::Payload;
use nexus_scripted::{
    Answer, Request, Server, Service,
    http::{Coding, Step, encode},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{Running, config, raw, start};

/// One exchange: the request's body, and the answer's pieces.
struct Case {
    name: String,
    request: Vec<u8>,
    kind: &'static str,
    coding: Option<Coding>,
    answer: Vec<Bytes>,
}

impl Case {
    fn new(name: impl Into<String>, request: impl Into<Vec<u8>>) -> Self {
        let answer = vec![Bytes::from_static(b"{\"ok\":true}")];
        let request = request.into();
        Self { name: name.into(), request, kind: "application/json", coding: None, answer }
    }

    fn stream(name: &str, pieces: &[&[u8]]) -> Self {
        let answer = pieces.iter().map(|piece| Bytes::copy_from_slice(piece)).collect();
        Self { kind: "text/event-stream", answer, ..Self::new(name, "{\"stream\":true}") }
    }

    fn coded(coding: Coding) -> Self {
        let pieces = ["event: a\ndata: {\"text\":\"\u{e9}\"}\n\n", "event: b\ndata: {}\n\n"];
        let pieces = pieces.map(|text| Bytes::from_static(text.as_bytes()));
        let answer = encode(coding, &pieces).expect("encoded");
        let name = format!("stream in {}", coding.token());
        Self { coding: Some(coding), answer, ..Self::stream(&name, &[]) }
    }

    fn answer(&self) -> Answer {
        let steps = self.answer.iter().cloned().map(Step::Send).collect();
        let answer = Answer::new(200).header("content-type", self.kind).stream(steps);
        match self.coding {
            Some(coding) => answer.header("content-encoding", coding.token()),
            None => answer,
        }
    }
}

/// Answers the case that the `x-case` header names.
struct Script(Arc<Mutex<HashMap<String, Answer>>>);

impl Service for Script {
    fn answer(&self, request: &Request) -> Answer {
        let cases = self.0.lock().expect("not poisoned");
        request.header("x-case").and_then(|case| cases.get(case).cloned()).expect("a known case")
    }
}

/// The bodies of recorded sessions.
fn recordings() -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../linker-actor/linking/captures");
    let mut cases = Vec::new();
    for entry in fs::read_dir(dir).expect("the recordings") {
        let path = entry.expect("listed").path();
        let name = path.file_name().expect("named").to_string_lossy().into_owned();
        let is_recording = path.extension().is_some_and(|extension| extension == "jsonl");
        if !is_recording || name.contains(".expected.") {
            continue;
        }
        for line in fs::read_to_string(&path).expect("read").lines().take(12) {
            let line: Value = serde_json::from_str(line).expect("JSON");
            cases.push(recorded(&line));
        }
    }
    cases
}

fn recorded(line: &Value) -> Case {
    let id = line["id"].as_str().expect("an id");
    let case = Case::new(id, line["request"]["body"].to_string());
    match line["response"]["sse"].as_str() {
        Some(sse) => Case {
            kind: "text/event-stream",
            answer: sse.as_bytes().chunks(97).map(Bytes::copy_from_slice).collect(),
            ..case
        },
        None => Case { answer: vec![line["response"]["body"].to_string().into()], ..case },
    }
}

fn random_json(random: &mut StdRng, depth: u32) -> Value {
    match random.random_range(0..if depth == 0 { 4 } else { 6 }) {
        0 => json!(random.random::<i64>()),
        1 => json!(random.random::<f64>()),
        2 => json!(random.random::<bool>()),
        3 => Value::String(
            (0..random.random_range(0..40)).map(|_| random.random::<char>()).collect(),
        ),
        4 => (0..random.random_range(0..6)).map(|_| random_json(random, depth - 1)).collect(),
        _ => (0..random.random_range(0..6))
            .map(|n| (format!("k{n}"), random_json(random, depth - 1)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

fn corpus() -> Vec<Case> {
    let mut random = StdRng::seed_from_u64(7);
    let mut cases = recordings();
    cases.extend(
        (0..25).map(|n| Case::new(format!("random {n}"), random_json(&mut random, 5).to_string())),
    );
    let mut binary = vec![0; 300_000];
    random.fill(&mut binary[..]);
    let long_line = format!("data: {}\n\n", "x".repeat(200_000));
    cases.extend([
        Case::new("empty", ""),
        Case::new("invalid JSON", "{\"a\": nope"),
        Case::new("duplicate keys", "{\"a\":1,\"a\":2, \"b\" : 1.50e+3}"),
        Case::new("lone surrogate", "{\"a\":\"\\ud800\\u0000\"}"),
        Case::new("deep", format!("{}{}", "[".repeat(20_000), "]".repeat(20_000))),
        Case::new("binary", binary),
        Case::new("32 MiB", vec![b'x'; 32 << 20]),
        Case::stream("CRLF and comments", &[b": hi\r\n\r\nevent: ping\r\n", b"data: {}\r\n\r\n"]),
        Case::stream("UTF-8 cut between chunks", &[b"data: \xc3", b"\xa9\n\n"]),
        Case::stream("a line of 200 KB", &[long_line.as_bytes()]),
        Case::stream("CR only, no end", &[b"data: 1\r\rdata", b": 2"]),
        Case::stream("no bytes", &[]),
    ]);
    cases.extend([Coding::Gzip, Coding::Brotli, Coding::Deflate].map(Case::coded));
    cases
}

fn short(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))[..12].to_owned()
}

/// The journal's bodies of the next exchange.
async fn journalled(gateway: &Running) -> (Vec<u8>, Vec<u8>) {
    let (mut request, mut answer) = (None, None);
    while request.is_none() || answer.is_none() {
        let event = gateway.event().await;
        let body = event.body.map(|body| body.raw().expect("whole").to_vec()).unwrap_or_default();
        match event.envelope.payload {
            Payload::RequestReceived(_) => request = Some(body),
            _ => answer = Some(body),
        }
    }
    (request.unwrap_or_default(), answer.unwrap_or_default())
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the table is what this test shows")]
async fn every_byte_of_the_corpus_arrives() {
    let script = Arc::new(Mutex::new(HashMap::new()));
    let upstream = Server::local(Script(script.clone())).expect("a free port");
    let gateway = start(config(&upstream.url()));
    println!(
        "{:<28} {:>9} {:<13} {:<13} {:>8} {:<13} arrived",
        "case", "bytes", "sent", "arrived", "bytes", "answered"
    );
    for (number, case) in corpus().into_iter().enumerate() {
        script.lock().expect("not poisoned").insert(number.to_string(), case.answer());
        let fields = format!("x-case: {number}\r\ncontent-type: application/json\r\n");
        let reply =
            raw::send(gateway.addr, &raw::post("/v1/messages", &fields, &case.request)).await;
        let arrived = upstream.seen().entries().pop().expect("arrived").request.body;
        let answer = case.answer.concat();
        println!(
            "{:<28} {:>9} {:<13} {:<13} {:>8} {:<13} {}",
            case.name,
            case.request.len(),
            short(&case.request),
            short(&arrived),
            answer.len(),
            short(&answer),
            short(&reply.body),
        );
        assert_eq!(short(&case.request), short(&arrived), "{}: the request", case.name);
        assert_eq!(short(&answer), short(&reply.body), "{}: the answer", case.name);
        assert!(reply.complete, "{}: its end", case.name);
        let (request, response) = journalled(&gateway).await;
        assert_eq!(short(&case.request), short(&request), "{}: the recorded request", case.name);
        assert_eq!(short(&answer), short(&response), "{}: the recorded answer", case.name);
    }
}
