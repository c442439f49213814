use nexus_contract::{Payload, TerminalState};
use proptest::prelude::*;

use super::*;

const LINE: &str = r#"{"id":"s01-001","at":"2026-11-23T09:14:59.499Z","domain":"team.example","accountId":"acc_1","request":{"method":"POST","path":"/v1/messages?beta=true","headers":{"x-api-key":"sk-ant-secret","anthropic-beta":["a","b"]},"body":{"b": 1,  "a":"\ud800","b":2}},"response":{"status":200,"headers":{"content-type":"text/event-stream"},"sse":"event: ping\ndata: {}\n\n"},"durationMs":12,"state":"completed"}"#;

#[test]
fn a_line_gives_the_events_that_the_gateway_would_have_published() {
    let (request, response) = parse_line(LINE).expect("it is an exchange");
    let raw = request.body.as_ref().expect("a body").raw().expect("intact");
    assert_eq!(&raw[..], br#"{"b": 1,  "a":"\ud800","b":2}"#, "bytes as they stand in the line");
    let raw = response.body.as_ref().expect("a body").raw().expect("intact");
    assert_eq!(&raw[..], b"event: ping\ndata: {}\n\n");
    assert_eq!(request.envelope.id, response.envelope.id);
    let Payload::RequestReceived(received) = request.envelope.payload else { panic!("a request") };
    assert_eq!(received.external_id.as_deref(), Some("s01-001"));
    assert_eq!(received.headers.get("x-api-key"), Some("[masked]"));
    assert_eq!(received.headers.iter().filter(|(name, _)| *name == "anthropic-beta").count(), 2);
    let Payload::ResponseFinished(finished) = response.envelope.payload else {
        panic!("an answer")
    };
    assert_eq!((finished.status, finished.duration_ms), (Some(200), 12));
}

#[test]
fn a_line_without_id_is_the_same_exchange_each_time() {
    let line = r#"{"at":"2026-11-23T09:14:59Z","domain":"d","request":{"body":"hi"}}"#;
    let (first, answer) = parse_line(line).expect("it is an exchange");
    let (second, _) = parse_line(line).expect("it is an exchange");
    assert_eq!(first.envelope.id, second.envelope.id);
    let Payload::ResponseFinished(finished) = answer.envelope.payload else { panic!("an answer") };
    assert_eq!(finished.state, TerminalState::Aborted, "there is no answer");
}

#[test]
fn what_is_wrong_is_named() {
    let missing = parse_line(r#"{"domain":"d","request":{}}"#).expect_err("no time");
    assert!(missing.to_string().contains("`at`"), "{missing}");
    let twice =
        r#"{"at":"2026-11-23T09:14:59Z","domain":"d","request":{"body":{},"bodyBase64":""}}"#;
    assert!(matches!(parse_line(twice), Err(LineError::TwoBodies)));
}

proptest! {
    #[test]
    fn any_body_comes_back_byte_for_byte(raw: Vec<u8>, text: String, streamed: bool) {
        for raw in [&raw[..], text.as_bytes(), format!("{{\"k\":{text:?}}}").as_bytes()] {
            let mut line: ExchangeLine = serde_json::from_str(LINE).expect("it is an exchange");
            line.request.body = None;
            line.request.set_body(raw).expect("any bytes");
            let response = line.response.as_mut().expect("there is one");
            response.sse = None;
            if !streamed {
                response.headers = HeaderFields::default();
            }
            response.set_body(raw).expect("any bytes");
            let written = line.to_line().expect("it writes");
            prop_assert!(!written.contains('\n'));
            let (request, response) = parse_line(&written).expect("it reads");
            prop_assert_eq!(&request.body.expect("a body").raw().expect("intact")[..], raw);
            prop_assert_eq!(&response.body.expect("a body").raw().expect("intact")[..], raw);
        }
    }
}
