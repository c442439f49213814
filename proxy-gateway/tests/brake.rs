//! Bodies of which the journal's queue holds a small part are kept whole: neither client nor upstream
//! is read faster than the journal's writer follows.

mod support;

use bytes::Bytes;
use nexus_contract::{Payload, TerminalState};
use nexus_scripted::{Answer, Request, Server, Service};
use support::{LIMIT, Running, config, raw, start_with};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// Half of it is for what is on its way already, which no piece of a body exceeds.
const QUEUE: usize = 1 << 20;
const BODY: usize = 8 * QUEUE;
/// Each gives the writer a dozen chances to fall behind.
const EXCHANGES: usize = 4;

struct Large(Bytes);

impl Service for Large {
    fn answer(&self, _request: &Request) -> Answer {
        Answer::new(200).body(self.0.clone())
    }
}

/// Bytes in which a missing or doubled piece shows.
fn body(period: usize) -> Bytes {
    (0..BODY).map(|at| u8::try_from(at % period).expect("a byte")).collect()
}

/// A gateway whose writer falls behind: it makes the file of each segment by itself, and the disk
/// confirms that.
fn start(upstream: &str) -> Running {
    let dir = tempfile::tempdir().expect("a folder");
    start_with(config(upstream), dir, |journal| {
        journal.queue_bytes = QUEUE;
        journal.segment_bytes = 2 << 20;
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
    let (up, down) = (body(251), body(241));
    let upstream = Server::local(Large(down.clone())).expect("a free port");
    let gateway = start(&upstream.url());
    for number in 0..EXCHANGES {
        let answer = fetch(&gateway, &up).await;
        assert!(answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(&down), "{number}");
        assert!(upstream.seen().entries()[number].request.body == up, "{number}");

        let request = gateway.event().await;
        let Payload::RequestReceived(received) = request.envelope.payload else {
            panic!("{number}: its request is lost")
        };
        assert!(received.complete, "{number}");
        assert!(request.body.expect("a body").raw().expect("whole") == up, "{number}");
        let (finished, recorded) = gateway.finished().await;
        assert_eq!((finished.state, finished.error), (TerminalState::Completed, None), "{number}");
        assert!(recorded == down, "{number}: {} bytes", recorded.len());
    }
}
