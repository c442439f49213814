//! A small gateway and a small shipper around a real journal.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{collections::BTreeMap, path::Path, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use nexus_contract::{
    Event, ExchangeId, Headers, Payload, ResponseFinished, SystemClock, TerminalState,
};
use nexus_journal::{
    Capture, Journal, JournalConfig, Reader, Recording, RequestHead, ResponseHead,
};
use uuid::Uuid;

pub fn config(dir: &Path) -> JournalConfig {
    JournalConfig {
        segment_bytes: 64 << 10,
        max_bytes: 8 << 20,
        ready_segments: 1,
        capture: Capture::Available,
        ..JournalConfig::new(dir, "gateway-a", 0x5eed)
    }
}

pub fn open(config: JournalConfig) -> Journal {
    Journal::open(config, Arc::new(SystemClock)).expect("the journal opens")
}

pub fn id(number: u128) -> ExchangeId {
    ExchangeId(Uuid::from_u128(number))
}

pub fn head(number: u128) -> RequestHead {
    RequestHead {
        id: id(number),
        at: Timestamp::from_second(1_800_000_000).expect("valid"),
        domain: "api.example.test".into(),
        account_id: None,
        method: "POST".into(),
        path: "/v1/messages?beta=true".into(),
        headers: Headers::recorded([("anthropic-version", b"2023-06-01".as_slice())]),
        client_fingerprint: Some("f00d".into()),
    }
}

pub fn response_head() -> ResponseHead {
    ResponseHead {
        status: 200,
        headers: Headers::recorded([("request-id", b"req_1".as_slice())]),
        first_byte_ms: Some(12),
        upstream_calls: 1,
    }
}

pub fn outcome(state: TerminalState) -> ResponseFinished {
    ResponseFinished {
        state,
        status: Some(200),
        headers: Headers::default(),
        started_at: head(0).at,
        first_byte_ms: Some(12),
        duration_ms: 40,
        upstream_ms: Some(38),
        upstream_calls: 1,
        usage: None,
        error: None,
    }
}

/// Bytes that are a function of their arguments and don't compress to nothing.
pub fn pattern(seed: u128, len: usize) -> Bytes {
    let mut state = u64::try_from(seed & 0xffff_ffff).expect("32 bits") ^ 0x9e37_79b9_7f4a_7c15;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

/// Records a whole exchange.
pub fn record(journal: &Journal, number: u128, request: &Bytes, answer: &Bytes) -> Recording {
    let recording = journal.begin(head(number)).expect("captures");
    recording.request_chunk(request.clone());
    recording.request_end(true);
    recording.response_head(response_head());
    recording.response_chunk(answer.clone());
    recording.finish(outcome(TerminalState::Completed));
    recording
}

/// What came of one exchange.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shipped {
    pub request: Option<(Bytes, bool)>,
    pub response: Option<(Bytes, TerminalState)>,
    pub error: Option<String>,
    pub status: Option<u16>,
}

/// Ships all that can be shipped now.
pub fn ship(reader: &mut Reader, acknowledge: bool) -> BTreeMap<ExchangeId, Shipped> {
    let mut shipped = BTreeMap::new();
    while let Some(ready) = reader.next_ready().expect("reads") {
        let assembled = reader.assemble(&ready).expect("assembles");
        if let Some(event) = assembled.event {
            note(&mut shipped, &event);
        }
        if acknowledge {
            reader.acknowledge(&ready).expect("frees");
        }
    }
    shipped
}

fn note(shipped: &mut BTreeMap<ExchangeId, Shipped>, event: &Event) {
    let entry: &mut Shipped = shipped.entry(event.envelope.id).or_default();
    let body = event.body.as_ref().expect("has a body").raw().expect("is whole");
    match &event.envelope.payload {
        Payload::RequestReceived(request) => {
            assert!(entry.request.is_none(), "the request came once");
            entry.request = Some((body, request.complete));
        }
        Payload::ResponseFinished(outcome) => {
            assert!(entry.response.is_none(), "the answer came once");
            entry.response = Some((body, outcome.state));
            entry.error.clone_from(&outcome.error);
            entry.status = outcome.status;
        }
        other => panic!("no journal writes {other:?}"),
    }
}

/// The folder as a crash at this moment would leave it.
pub fn crash_copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("lists") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        if path.extension().is_some_and(|extension| extension == "segment") {
            std::fs::copy(&path, to.join(name)).expect("copies");
        }
    }
}

/// The segment files, oldest first.
pub fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(dir)
        .expect("lists")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "segment"))
        .collect();
    found.sort();
    found
}
