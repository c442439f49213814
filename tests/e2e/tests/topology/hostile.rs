//! Bodies that PostgreSQL's own types would refuse or change are stored as they came.

use std::time::Duration;

use nexus_e2e::{Installation, load, wait};

const SOON: Duration = Duration::from_secs(30);
const DEPTH: usize = 20_000;

pub async fn every_body_is_stored_as_it_came(scaled: &Installation) {
    let api = scaled.api();
    for (name, body) in bodies() {
        let request = nexus_e2e::http_client().post(format!("{}/v1/messages", scaled.url()));
        let sent = load::with_headers(request).body(body.clone()).send().await.expect(name);
        let id = sent.headers()["x-nexus-request-id"].to_str().expect("an id").to_owned();
        let answer = sent.bytes().await.expect(name);
        let stored = async || api.is_stored(&id).await.then_some(());
        wait::until(name, SOON, stored).await;
        assert!(api.body(&id, "request").await.expect(name) == body, "{name}: the request");
        assert!(api.body(&id, "response").await.expect(name) == answer, "{name}: the answer");
    }
}

fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let prompt = |text: &str| {
        let head =
            r#"{"model":"claude-opus-5-5","max_tokens":9,"messages":[{"role":"user","content":""#;
        format!("{head}{text}\"}}]}}").into_bytes()
    };
    vec![
        ("a NUL", prompt(r"before\u0000after")),
        ("a NUL byte", prompt("before\0after")),
        ("a lone surrogate", prompt(r"\ud800 and \udfff")),
        ("a number beyond all types", br#"{"model":"m","max_tokens":1e400000}"#.to_vec()),
        ("keys twice", br#"{"model":"a","model":"b","messages":[],"messages":[1]}"#.to_vec()),
        ("deep nesting", [vec![b'['; DEPTH], vec![b']'; DEPTH]].concat()),
        ("no UTF-8", b"{\"model\":\"\xff\xfe\"}".to_vec()),
        ("nothing", Vec::new()),
    ]
}
