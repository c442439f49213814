//! Parse, normalise and hash a request, every prefix: 200 KB in 200 messages in 1 ms or less.

use nexus_linking::{Hash, chain};
use nexus_messages::Request;
use serde_json::json;

fn main() {
    divan::main();
}

/// A coding agent's request: texts, calls and results, `kilobytes` long in as many messages.
fn body(kilobytes: usize) -> String {
    let line =
        "    let total = values.iter().map(|value| value.len()).sum::<usize>(); // \"sum\"\n";
    let mut messages = Vec::new();
    for turn in 0..kilobytes / 2 {
        let id = format!("toolu_{turn}");
        let input = json!({"file_path": format!("/src/{turn}.rs"), "limit": 20, "offset": turn});
        messages.push(json!({"role": "assistant", "content": [
            {"type": "text", "text": "I look at the next file, and then at the one behind it."},
            {"type": "tool_use", "id": id, "name": "Read", "input": input}]}));
        messages.push(json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": id, "content": line.repeat(18)}]}));
    }
    json!({"model": "m", "max_tokens": 1000, "messages": messages}).to_string()
}

#[divan::bench(args = [20, 200, 2000])]
fn parse_normalise_hash(bencher: divan::Bencher, kilobytes: usize) {
    let body = body(kilobytes);
    bencher.counter(divan::counter::BytesCount::new(body.len())).bench(|| {
        let request = Request::parse(body.as_bytes()).expect("a request");
        chain::extend(Hash::START, 0, &chain::blocks(&request))
    });
}

#[divan::bench]
fn parse_only(bencher: divan::Bencher) {
    let body = body(200);
    bencher
        .counter(divan::counter::BytesCount::new(body.len()))
        .bench(|| Request::parse(body.as_bytes()).expect("a request").messages.len());
}
