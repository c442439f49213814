//! Every version of every kind that was ever written decodes for ever. A golden file is never
//! edited; a new version adds one.

use bytes::Bytes;
use jiff::{Timestamp, ToSpan};
use nexus_contract::{
    AnalysisFinished, AnalysisRequested, Body, DecodeError, Envelope, Event, ExchangeId, Headers,
    Kind, Linked, Payload, RequestReceived, ResponseFinished, TerminalState, codec, decode, encode,
};
use serde_json::Value;

const ID: &str = "0197b1c0-0000-7000-8000-00000000002a";

fn event(payload: Payload, body: Option<&[u8]>) -> Event {
    Event {
        envelope: Envelope {
            id: ID.parse().expect("a UUID"),
            at: at(),
            gateway: "gateway-1".into(),
            domain: "team.example".into(),
            account_id: Some("acc_f9e1c2d3b4a5".into()),
            payload,
        },
        body: body.map(|raw| Body::new(raw).expect("compresses")),
    }
}

fn at() -> Timestamp {
    "2026-01-02T03:04:05.678901Z".parse().expect("a time")
}

fn id() -> ExchangeId {
    ID.parse().expect("a UUID")
}

fn samples() -> Vec<Event> {
    let headers = Headers::recorded([("content-type", b"application/json".as_slice())]);
    vec![
        event(
            Payload::RequestReceived(RequestReceived {
                method: "POST".into(),
                path: "/v1/messages?beta=true".into(),
                headers: headers.clone(),
                client_fingerprint: Some("ab12".into()),
                external_id: None,
                complete: true,
            }),
            Some(br#"{"model":"m","messages":[]}"#),
        ),
        event(
            Payload::ResponseFinished(ResponseFinished {
                state: TerminalState::Completed,
                status: Some(200),
                headers,
                started_at: at(),
                first_byte_ms: Some(120),
                duration_ms: 900,
                upstream_ms: Some(899),
                upstream_calls: 1,
                usage: Some(
                    serde_json::value::to_raw_value(&serde_json::json!({"input_tokens": 3}))
                        .expect("JSON"),
                ),
                error: None,
            }),
            Some(b"event: ping\ndata: {}\n\n"),
        ),
        event(Payload::Linked(Linked { exchanges: vec![id()], revision: 3 }), None),
        event(
            Payload::AnalysisRequested(AnalysisRequested {
                job_id: "job".into(),
                conversation_id: id(),
                branch_id: "main".into(),
                run: 1,
            }),
            None,
        ),
        event(
            Payload::AnalysisFinished(AnalysisFinished {
                job_id: "job".into(),
                conversation_id: id(),
                branch_id: "main".into(),
                run: 1,
                status: "completed".into(),
            }),
            None,
        ),
    ]
}

fn golden(kind: Kind, version: u16) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(format!("{}.v{version}.bin", kind.as_str()))
}

/// Writes the files that are missing: run once after a version was added, then commit them.
#[test]
fn every_version_has_a_golden_file_that_decodes_to_the_same_event() {
    for sample in samples() {
        let path = golden(sample.kind(), codec::version_of(sample.kind()));
        if !path.exists() {
            std::fs::write(&path, encode(&sample).expect("encodes")).expect("written");
            panic!("{} was missing; it is written now: commit it", path.display());
        }
        assert_decodes(&std::fs::read(&path).expect("read").into(), &sample);
    }
}

/// A reader of the same version that knows no fields but those of its golden file finds all of them.
#[test]
fn what_is_written_comes_back_and_holds_all_that_the_golden_file_does() {
    for sample in samples() {
        let wire = encode(&sample).expect("encodes");
        assert_decodes(&wire, &sample);
        let path = golden(sample.kind(), codec::version_of(sample.kind()));
        assert_holds(&head(&wire), &head(&std::fs::read(&path).expect("read")));
    }
}

fn assert_holds(written: &Value, known: &Value) {
    for (name, value) in known.as_object().expect("an object") {
        if name == "fields" {
            assert_holds(&written[name], value);
        } else {
            assert_eq!(written[name], *value, "{name}");
        }
    }
}

fn head(wire: &[u8]) -> Value {
    let (length, rest) = wire.split_first_chunk::<4>().expect("a length");
    let length = usize::try_from(u32::from_le_bytes(*length)).expect("small");
    serde_json::from_slice(&rest[..length]).expect("JSON, and nothing but the head")
}

fn assert_decodes(wire: &Bytes, sample: &Event) {
    let event = decode(wire).expect("decodes");
    assert_eq!(event.message_id(), sample.message_id());
    assert_eq!(format!("{:?}", event.envelope), format!("{:?}", sample.envelope));
    let raw = |event: &Event| event.body.as_ref().map(|body| body.raw().expect("intact"));
    assert_eq!(raw(&event), raw(sample));
}

/// A job that is put back into the queue has the run that was told of before: its event would have
/// passed for a repetition, and woken nobody.
#[test]
fn a_run_that_waits_anew_is_another_event() {
    let is_requested = |event: &Event| event.kind() == Kind::AnalysisRequested;
    let first = samples().into_iter().find(is_requested).expect("a sample");
    let mut anew = first.clone();
    assert_eq!(anew.message_id(), first.message_id(), "sent again, it is the same");
    anew.envelope.at += 1.microsecond();
    assert_ne!(anew.message_id(), first.message_id());
}

#[test]
fn bytes_that_are_no_event_are_named_errors() {
    let wire = encode(&samples()[0]).expect("encodes");
    for cut in 0..wire.len() {
        // A cut inside the body is found when the body is read.
        if let Ok(event) = decode(&wire.slice(..cut)) {
            assert!(event.body.expect("has one").raw().is_err(), "cut at {cut}");
        }
    }
    let newer = patched(&wire, r#""version":1"#, r#""version":9"#);
    assert!(matches!(decode(&newer), Err(DecodeError::UnknownVersion { version: 9, .. })));
    let unknown = patched(&wire, "request.received", "request.recalled");
    assert!(matches!(decode(&unknown), Err(DecodeError::UnknownKind(_))));
}

fn patched(wire: &Bytes, from: &str, to: &str) -> Bytes {
    assert_eq!(from.len(), to.len());
    let at = wire.windows(from.len()).position(|w| w == from.as_bytes()).expect("found");
    let mut bytes = wire.to_vec();
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    bytes.into()
}
