//! Halves of exchanges, as the storage role would prepare them.

use jiff::{Timestamp, ToSpan};
use nexus_contract::{ExchangeId, Headers, TerminalState};
use nexus_store::{
    bodies::KeyedBody,
    exchanges::{
        Account, AccountSource, ExchangePart, Facts, RequestFacts, ResponseFacts, UsageFacts,
    },
    windows::windows,
};
use sha2::{Digest as _, Sha256};

pub fn id(number: u32) -> ExchangeId {
    ExchangeId::from_external(&format!("exchange {number}"))
}

pub fn at(number: u32) -> Timestamp {
    let start: Timestamp = "2026-11-23T09:00:00Z".parse().expect("a time");
    start + (i64::from(number) * 7).minutes()
}

/// The request of turn `number`, with `body`.
pub fn request(number: u32, body: &[u8]) -> ExchangePart {
    let headers = [
        ("user-agent", b"test".as_slice()),
        ("x-request-id", b"1"),
        ("x-api-key", b"sk-ant-secret"),
    ];
    ExchangePart {
        id: id(number),
        at: at(number),
        domain: "team.example".to_owned(),
        gateway: "one".to_owned(),
        account: Some(Account { name: "fp_1".to_owned(), source: AccountSource::Fingerprint }),
        headers: Headers::recorded(headers),
        body: Some(KeyedBody::of_request(body, Sha256::digest(body).into())),
        search_text: format!("prompt number{number} with \0 a zero"),
        facts: Facts::Request(Box::new(RequestFacts {
            method: "POST".to_owned(),
            path: "/v1/messages".to_owned(),
            complete: true,
            model: Some(format!("model-{}", number % 3)),
            request_type: Some("inference".to_owned()),
            streamed: true,
            message_count: Some(i64::from(number)),
            tool_count: Some(2),
            last_message_kind: Some("human".to_owned()),
            prompt: number.is_multiple_of(2).then(|| format!("prompt {number} \0")),
            ..RequestFacts::default()
        })),
    }
}

/// Its answer.
pub fn response(number: u32, body: &[u8]) -> ExchangePart {
    let used = format!("0.{number}");
    let headers = Headers::recorded([
        ("content-type", b"text/event-stream".as_slice()),
        ("request-id", number.to_string().as_bytes()),
        ("anthropic-ratelimit-unified-5h-utilization", used.as_bytes()),
    ]);
    let state = if number.is_multiple_of(5) {
        TerminalState::UpstreamError
    } else {
        TerminalState::Completed
    };
    let tokens = i64::from(number);
    ExchangePart {
        account: Some(Account { name: "org_1".to_owned(), source: AccountSource::Organization }),
        body: Some(KeyedBody::of_response(body, Sha256::digest(body).into())),
        search_text: format!("answer number{number}"),
        facts: Facts::Response(Box::new(ResponseFacts {
            state,
            status: Some(200),
            first_byte_ms: Some(10),
            duration_ms: 100 + tokens,
            upstream_ms: Some(90),
            upstream_calls: 1,
            error: None,
            stop_reason: Some("tool_use".to_owned()),
            model: Some("answer".to_owned()),
            tool_names: vec!["Bash".to_owned(), "Read".to_owned(), "Bash".to_owned()],
            preview: Some(format!("answer {number}")),
            usage: Some(UsageFacts {
                input: tokens,
                output: 2 * tokens,
                cache_read: 3,
                cache_creation_5m: 4,
                cache_creation_1h: 5,
                cost_nanos: (!number.is_multiple_of(4)).then_some(1_000 * tokens),
                raw: format!("{{\"input_tokens\":{tokens}}}"),
            }),
            windows: windows(&headers),
        })),
        headers,
        ..request(number, b"")
    }
}

/// A history of `turns` messages as a Messages request, the last one with a mark of the cache.
pub fn history(turns: u32) -> Vec<u8> {
    let messages: Vec<_> = (1..=turns)
        .map(|turn| {
            let mark = if turn == turns { r#","cache_control":{"type":"ephemeral"}"# } else { "" };
            format!(
                r#"{{"role":"user","content":[{{"type":"text","text":"message {turn}"{mark}}}]}}"#
            )
        })
        .collect();
    format!(
        r#"{{"model":"m","messages":[{}],"system":[{{"type":"text","text":"s"}}],"tools":[{{"name":"Bash"}}]}}"#,
        messages.join(",")
    )
    .into_bytes()
}
