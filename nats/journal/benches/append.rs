//! What recording an exchange costs the gateway, and what the journal takes altogether.
//!
//! `appended` is the handler's share: frames into the queue. `written` waits for the writer at the
//! end of every exchange, as the gateway does before it releases the last byte.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use bytes::Bytes;
use divan::{Bencher, counter::BytesCount};
use jiff::Timestamp;
use nexus_contract::{ExchangeId, Headers, ResponseFinished, SystemClock, TerminalState};
use nexus_journal::{Journal, JournalConfig, Reader, Recording, RequestHead};
use tempfile::TempDir;
use uuid::Uuid;

fn main() {
    divan::main();
}

/// Bytes of a request's body.
const SIZES: [usize; 2] = [2 << 10, 200 << 10];

struct World {
    journal: Journal,
    next: AtomicU64,
    at: Timestamp,
    _dir: TempDir,
}

impl World {
    fn new() -> Arc<Self> {
        let dir = tempfile::tempdir().expect("a folder");
        let config = JournalConfig::new(dir.path(), "bench", 1);
        let journal = Journal::open(config, Arc::new(SystemClock)).expect("opens");
        let reader = journal.reader().expect("the first to ask");
        std::thread::spawn(move || free_all(reader));
        let at = Timestamp::from_second(1_800_000_000).expect("valid");
        Arc::new(Self { _dir: dir, journal, next: AtomicU64::new(1), at })
    }

    fn record(&self, body: &Bytes) -> Recording {
        let number = self.next.fetch_add(1, Relaxed);
        let head = RequestHead {
            id: ExchangeId(Uuid::from_u128(u128::from(number))),
            at: self.at,
            domain: "api.example.test".into(),
            account_id: None,
            method: "POST".into(),
            path: "/v1/messages?beta=true".into(),
            headers: Headers::recorded([("anthropic-version", b"2023-06-01".as_slice()); 12]),
            client_fingerprint: None,
        };
        let recording = self.journal.begin(head).expect("captures");
        recording.request_chunk(body.clone());
        recording.request_end(true);
        recording.response_chunk(Bytes::from_static(&[b'x'; 1_500]));
        recording.finish(ResponseFinished {
            state: TerminalState::Completed,
            status: Some(200),
            headers: Headers::default(),
            started_at: self.at,
            first_byte_ms: Some(10),
            duration_ms: 20,
            upstream_ms: Some(18),
            upstream_calls: 1,
            usage: None,
            error: None,
        });
        recording
    }
}

/// Stands in for a stream that takes everything at once.
fn free_all(mut reader: Reader) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut growth = reader.growth();
    while runtime.block_on(growth.more()) {
        while let Ok(Some(ready)) = reader.next_ready() {
            if reader.acknowledge(&ready).is_err() {
                return;
            }
        }
    }
}

#[divan::bench(args = SIZES)]
fn appended(bencher: Bencher, size: usize) {
    let world = World::new();
    let body = Bytes::from(vec![b'a'; size]);
    bencher.counter(BytesCount::new(size)).bench(|| world.record(&body));
}

#[divan::bench(args = SIZES, threads = [1, 8])]
fn written(bencher: Bencher, size: usize) {
    let world = World::new();
    let body = Bytes::from(vec![b'a'; size]);
    bencher.counter(BytesCount::new(size)).bench(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(world.record(&body).written());
    });
}
