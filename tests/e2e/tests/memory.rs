//! Memory follows what is under way and not what has passed: `nexus up` behind the largest requests there
//! are, and behind streams of 200 KB, each held against itself a round before.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use nexus_contract::SystemClock;
use nexus_e2e::{Nexus, NexusBuilder, http_client, load, wait};
use nexus_scripted::{Anthropic, Server};
use tokio::time::{Instant, sleep};

const CLIENTS: usize = 16;
/// Streams of the first round; the others have twice as many.
const STREAMS: u64 = 60;
/// At least so many bytes go each way in a stream.
const STREAM: usize = 200_000;
/// About 230 KB as events.
const LONG: &str = "[[words n=20000]] [[wire piece=96 split=4096]]";
/// The largest body that is taken.
const LARGE: usize = 32 << 20;
/// Fill what is bounded in bytes, before anything is measured.
const WARM: u64 = 3;
const REPEATS: u64 = 4;
const DRAIN: Duration = Duration::from_mins(4);
const SOON: Duration = Duration::from_secs(30);
/// In which what is freed behind the last row is given back.
const SETTLES: Duration = Duration::from_secs(2);
/// What stays of the bytes that passed: caches and recent events that the first rounds did not fill to
/// their bounds, and the index of what is stored.
const SLACK: usize = 32 << 20;

struct Rig {
    nexus: Nexus,
    sent: u64,
    _upstream: Server,
}

impl Rig {
    /// A process whose bounded memory is full.
    async fn warm() -> Self {
        let upstream =
            Server::local(Anthropic::new(Arc::new(SystemClock), "memory")).expect("a port");
        // glibc keeps what was freed, in each thread's arena and below a threshold that grows with what
        // it sees: what Nexus holds is what counts here.
        let nexus = NexusBuilder::new("up", &upstream.url())
            .env("MALLOC_ARENA_MAX", "1")
            .env("MALLOC_MMAP_THRESHOLD_", "131072")
            .env("MALLOC_TRIM_THRESHOLD_", "131072")
            .start()
            .await
            .expect("nexus starts");
        let mut rig = Self { nexus, sent: 0, _upstream: upstream };
        rig.large_ones(WARM).await;
        rig
    }

    async fn large_ones(&mut self, count: u64) {
        for _ in 0..count {
            self.large().await;
        }
    }

    /// One of the largest requests, from its beginning until it is stored.
    async fn large(&mut self) {
        self.sent += 1;
        let answer = ask(&self.nexus, self.sent, LARGE, "[[say: Large.]]").await;
        assert!(answer.contains("Large."), "{answer}");
        self.drained().await;
    }

    /// So many streams from several clients, until all are stored; how many bytes passed.
    async fn streams(&mut self, count: u64) -> usize {
        let numbers = self.sent + 1..=self.sent + count;
        self.sent += count;
        let one = async |number: u64| {
            let answer = ask(&self.nexus, number, STREAM, LONG).await;
            assert!(answer.contains("message_stop"), "{number} is not whole");
            assert!(answer.len() >= STREAM, "{number}: {} bytes", answer.len());
            STREAM + answer.len()
        };
        let passed: Vec<usize> =
            stream::iter(numbers).map(one).buffer_unordered(CLIENTS).collect().await;
        self.drained().await;
        passed.iter().sum()
    }

    async fn drained(&self) {
        let sent = usize::try_from(self.sent).expect("few");
        let rows = self.nexus.drained(sent, DRAIN).await;
        let completed = rows.iter().filter(|row| row["state"] == "completed").count();
        assert_eq!((rows.len(), completed), (sent, sent), "{}", self.nexus.log());
    }

    /// A figure of `/proc/…/status`, in bytes: `VmRSS` now, `VmHWM` at the most.
    fn memory(&self, name: &str) -> usize {
        let pid = self.nexus.pid().expect("it runs").as_raw_nonzero();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.and_then(|kib| kib.parse::<usize>().ok()).expect("a number of kB") * 1024
    }

    fn print(&self, when: &str) {
        let [now, most] = ["VmRSS", "VmHWM"].map(|name| self.memory(name) >> 20);
        eprintln!("{when}: {now} MiB, {most} MiB at the most");
    }

    /// What is held when nothing is under way: the least of a while, for single moments are higher.
    async fn at_rest(&self) -> usize {
        let end = Instant::now() + SETTLES;
        let mut least = self.memory("VmRSS");
        while Instant::now() < end {
            sleep(Duration::from_millis(50)).await;
            least = least.min(self.memory("VmRSS"));
        }
        least
    }

    /// Memory comes back to what it was before so many bytes passed.
    async fn comes_back_to(&self, before: usize, passed: usize, behind: &str) {
        let bound = before + SLACK + passed / 8;
        let what = format!("no more than {} MiB behind {behind}", bound >> 20);
        let down = async || (self.memory("VmRSS") <= bound).then_some(());
        wait::until(&what, SOON, down).await;
    }
}

/// Sends a body of a length and reads the whole answer.
async fn ask(nexus: &Nexus, number: u64, length: usize, script: &str) -> String {
    let request = http_client().post(format!("{}/v1/messages", nexus.url())).timeout(DRAIN);
    let request = load::with_headers(request).body(body(number, length, script));
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{}", nexus.log());
    answer.text().await.expect("a whole body")
}

/// A request of exactly this length. The script is in a prompt of its own, so that nobody looks for it
/// in the filler.
fn body(number: u64, length: usize, script: &str) -> String {
    let frame = |filler: &str| {
        format!(
            r#"{{"model":"claude-opus-5-5","max_tokens":64000,"stream":true,"messages":[{{"role":"user","content":"{filler}"}},{{"role":"assistant","content":"Read."}},{{"role":"user","content":"{script}"}}]}}"#
        )
    };
    frame(&noise(number, length - frame("").len()))
}

/// Letters that hardly compress and differ from number to number.
fn noise(number: u64, length: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut noise = String::with_capacity(length + 8);
    while noise.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend(state.to_le_bytes().map(|byte| char::from(LETTERS[usize::from(byte % 64)])));
    }
    noise.truncate(length);
    noise
}

/// One process for both: to fill what is bounded takes as long as either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_passed_leaves_no_memory_behind() {
    let mut rig = Rig::warm().await;
    the_largest_requests(&mut rig).await;
    streams_of_200_kb(&mut rig).await;
}

async fn the_largest_requests(rig: &mut Rig) {
    rig.print("warm");
    let before = rig.at_rest().await;
    rig.large_ones(REPEATS).await;
    rig.print("after as large ones");
    let passed = usize::try_from(REPEATS).expect("few") * LARGE;
    rig.comes_back_to(before, passed, "the largest requests").await;
}

async fn streams_of_200_kb(rig: &mut Rig) {
    rig.streams(STREAMS).await;
    rig.print("after the first round");
    rig.streams(2 * STREAMS).await;
    rig.print("after the second");
    let before = rig.at_rest().await;
    let passed = rig.streams(2 * STREAMS).await;
    rig.print("after the third");
    eprintln!("{} MiB passed in the third", passed >> 20);
    rig.comes_back_to(before, passed, "the streams").await;
}
