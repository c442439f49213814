//! Bodies of which the journal's queue holds a small part are kept whole: neither client nor upstream
//! is read faster than the journal's writer follows. A writer that stands still delays them by a second.

mod support;

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use bytes::Bytes;
use nexus_contract::{Payload, TerminalState};
use nexus_gateway::GatewayConfig;
use nexus_journal::JournalStatus;
use nexus_scripted::{Answer, Request, Server, Service};
use support::{LIMIT, Running, config, raw, start_with, tls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// Half of it is for what is on its way already, which no piece of a body exceeds.
const QUEUE: usize = 1 << 20;
const BODY: usize = 8 * QUEUE;
/// Each gives the writer a dozen chances to fall behind.
const EXCHANGES: usize = 4;
/// So small that an exchange needs several.
const SEGMENT: u64 = 512 << 10;
/// A writer that wrote nothing for so long is not waited for.
const STANDSTILL: Duration = Duration::from_secs(1);

struct Large(Bytes);

impl Service for Large {
    fn answer(&self, _request: &Request) -> Answer {
        Answer::new(200).body(self.0.clone())
    }
}

/// Bytes in which a missing or doubled piece shows.
fn body(len: usize, period: usize) -> Bytes {
    (0..len).map(|at| u8::try_from(at % period).expect("a byte")).collect()
}

/// A gateway whose writer falls behind: it makes the file of each segment by itself, and the disk
/// confirms that.
fn start(config: GatewayConfig, segment_bytes: u64) -> Running {
    let dir = tempfile::tempdir().expect("a folder");
    start_with(config, dir, |journal| {
        journal.queue_bytes = QUEUE;
        journal.segment_bytes = segment_bytes;
        journal.ready_segments = 0;
    })
}

/// The whole answer. It is read as quickly as it comes: a slow client would brake the gateway, too.
async fn fetch(gateway: &Running, request: &Bytes) -> Vec<u8> {
    let mut io = raw::connect(gateway.addr).await;
    let wire = raw::post("/v1/messages", "connection: close\r\n", request);
    io.write_all(&wire).await.expect("sent");
    let mut answer = Vec::new();
    timeout(LIMIT, io.read_to_end(&mut answer)).await.expect("in time").expect("whole");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_larger_than_the_queue_are_recorded_whole_in_both_directions() {
    let (up, down) = (body(BODY, 251), body(BODY, 241));
    let upstream = Server::local(Large(down.clone())).expect("a free port");
    let gateway = start(config(&upstream.url()), 2 << 20);
    for number in 0..EXCHANGES {
        let answer = fetch(&gateway, &up).await;
        assert!(answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(&down), "{number}");
        assert!(upstream.seen().entries()[number].request.body == up, "{number}");
        assert_recorded_whole(&gateway, &up, &down).await;
    }
}

async fn assert_recorded_whole(gateway: &Running, up: &Bytes, down: &Bytes) {
    let request = gateway.event().await;
    let Payload::RequestReceived(received) = request.envelope.payload else {
        panic!("its request is lost")
    };
    assert!(received.complete);
    assert!(request.body.expect("a body").raw().expect("whole") == *up);
    let (finished, recorded) = gateway.finished().await;
    assert_eq!((finished.state, finished.error), (TerminalState::Completed, None));
    assert!(recorded == *down, "{} bytes", recorded.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http2_they_are_recorded_whole_as_well() {
    let body = body(BODY, 251);
    let upstream = tls::upstream();
    let gateway = start(tls::settings(&upstream), 2 << 20);
    for number in 0..EXCHANGES {
        let answer = fetch(&gateway, &body).await;
        let head = String::from_utf8_lossy(&answer[..answer.len().min(512)]);
        assert!(head.starts_with("HTTP/1.1 200 "), "{number}: {head}");
        assert!(head.contains("x-version: HTTP/2.0"), "{number}: {head}");
        assert!(answer.ends_with(&body), "{number}");
        assert_recorded_whole(&gateway, &body, &body).await;
    }
}

/// A disk that hangs from the second segment on: where the writer makes that one's file, it finds a pipe
/// and waits for somebody to read it.
struct Hanging(PathBuf);

impl Hanging {
    fn below(gateway: &Running) -> Self {
        let path = gateway.dir.path().join("journal/test/0000000000000002.spare");
        let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
        rustix::fs::mknodat(rustix::fs::CWD, &path, kind, mode, 0).expect("made");
        Self(path)
    }
}

impl Drop for Hanging {
    /// The writer goes on, to find that no segment can be made of a pipe, and then makes another file.
    fn drop(&mut self) {
        use rustix::fs::{Mode, OFlags};
        let reader = rustix::fs::open(&self.0, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty());
        // The writer removes what it can't use, perhaps before this.
        drop(fs::remove_file(&self.0));
        drop(reader.expect("opened"));
    }
}

/// How long one exchange takes.
async fn served(gateway: &Running, up: &Bytes, down: &Bytes) -> Duration {
    let began = Instant::now();
    let answer = fetch(gateway, up).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(down));
    began.elapsed()
}

/// The journal, once it is as it should be.
async fn journal(gateway: &Running, is_settled: impl Fn(&JournalStatus) -> bool) -> JournalStatus {
    let settled = async {
        loop {
            let status = gateway.journal();
            if is_settled(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, settled).await.expect("in time")
}

async fn a_standstill_costs_one_exchange_a_second(
    mut config: GatewayConfig,
    up: &Bytes,
    down: &Bytes,
) {
    // While the gateway does not read, nobody can say that the upstream sends nothing.
    config.upstream.idle_timeout = STANDSTILL / 2;
    let gateway = start(config, SEGMENT);
    let hanging = Hanging::below(&gateway);
    let first = served(&gateway, up, down).await;
    assert!((STANDSTILL..2 * STANDSTILL).contains(&first), "{first:?}");
    let second = served(&gateway, up, down).await;
    assert!(second < STANDSTILL, "a writer known to stand still was waited for {second:?}");
    let held = gateway.journal().queued_bytes;
    // Ends are taken beyond the bound: two of them.
    assert!(held > QUEUE as u64 / 2 && held < QUEUE as u64 + (64 << 10), "{held}");

    drop(hanging);
    let (marked, _part) = gateway.finished().await;
    let error = marked.error.unwrap_or_default();
    assert!(error.starts_with("not fully captured"), "{error}");
    let of_the_gateway = marked.duration_ms - marked.upstream_ms.expect("it was called");
    assert!(of_the_gateway >= 990, "the wait is not the upstream's: {of_the_gateway} ms");
    journal(&gateway, |status| status.queued_bytes == 0).await;
    served(&gateway, up, down).await;
    let whole = loop {
        let (finished, recorded) = gateway.finished().await;
        if finished.error.is_none() {
            break recorded;
        }
    };
    assert!(whole == *down, "{} bytes", whole.len());
    let counts = journal(&gateway, |status| status.counts.ended > 0).await.counts;
    assert_eq!((counts.begun, counts.ended, counts.tombstones + counts.lost), (3, 1, 2));
}

async fn a_standstill_before(up: &Bytes, down: &Bytes) {
    let upstream = Server::local(Large(down.clone())).expect("a free port");
    a_standstill_costs_one_exchange_a_second(config(&upstream.url()), up, down).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_stands_still_delays_an_upload_by_a_second_and_the_next_not_at_all() {
    a_standstill_before(&body(4 * QUEUE, 251), &body(100, 241)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_stands_still_delays_an_answer_by_a_second_and_the_next_not_at_all() {
    a_standstill_before(&body(100, 251), &body(4 * QUEUE, 241)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_stands_still_delays_an_upload_over_http2_by_a_second() {
    let upstream = tls::upstream();
    let body = body(2 * QUEUE, 251);
    a_standstill_costs_one_exchange_a_second(tls::settings(&upstream), &body, &body).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_exchange_is_held_beyond_its_own_time() {
    let upstream = Server::local(Large(body(4 * QUEUE, 241))).expect("a free port");
    let mut config = config(&upstream.url());
    config.upstream.timeout = STANDSTILL / 2;
    let gateway = start(config, SEGMENT);
    let hanging = Hanging::below(&gateway);
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", b"{}")).await;
    assert_eq!((reply.status, reply.complete), (200, false), "it would be whole after a second");
    drop(hanging);
    assert_eq!(gateway.finished().await.0.state, TerminalState::TimedOut);
}
