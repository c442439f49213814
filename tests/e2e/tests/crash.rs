//! `kill -9` at random moments under load: nothing that a client saw is lost, nothing is stored twice.

use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::load::Load;
use nexus_e2e::{Nexus, oracle};
use nexus_scripted::{Anthropic, Server};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const CLIENTS: usize = 16;
const DRAIN: Duration = Duration::from_mins(3);

async fn kills(count: usize, seed: u64) {
    let upstream = Server::local(Anthropic::new(Arc::new(SystemClock), "crash")).expect("a port");
    let mut nexus = Nexus::up(&upstream.url()).await.expect("nexus starts");
    let load = Load::start(&nexus.url(), CLIENTS, Duration::from_millis(5));
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..count {
        // The fault's moment is what is random here; nothing is waited for.
        tokio::time::sleep(Duration::from_millis(random.random_range(20..500))).await;
        nexus.kill().await.expect("it dies");
        nexus.restart().await.expect("it comes back");
    }
    load.more(CLIENTS, DRAIN).await;
    let ledger = load.finish().await;
    let report = oracle::audit(&nexus.api(), &ledger, DRAIN).await.expect("the API answers");
    eprintln!("seed {seed}, {count} kills: {report:?}");
    assert!(report.completed > count, "hardly any load: {report:#?}\n{}", nexus.log());
    report.assert_clean();
    assert!(report.aborted > 0, "no answer was broken off: {report:#?}");
    assert!(report.compared > 0, "no broken answer has bytes on both sides: {report:#?}");
    oracle::assert_fresh(&nexus.api(), &nexus.url(), Duration::from_secs(30)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_in_50_kills() {
    kills(50, 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the long form: make faults"]
async fn nothing_is_lost_in_200_kills() {
    for seed in 0..4 {
        kills(50, seed).await;
    }
}
