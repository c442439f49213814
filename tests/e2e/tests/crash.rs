//! `kill -9` at random moments under load: nothing that a client saw is lost, nothing is stored twice.
//! Also not when the killed one never comes back.

use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::ledger::Ledger;
use nexus_e2e::load::{self, Load};
use nexus_e2e::payload::Payload;
use nexus_e2e::{Nats, Nexus, NexusBuilder, http_client, oracle, wait};
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

/// A gateway that never had a stream and never comes back; the next one on its directory ships what it
/// left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_of_a_dead_gateway_is_shipped_by_another() {
    let upstream = Server::local(Anthropic::new(Arc::new(SystemClock), "adopt")).expect("a port");
    let data = tempfile::tempdir().expect("a folder");
    let gateway = |instance: &str, nats: &str| {
        NexusBuilder::new("gateway", &upstream.url())
            .env("NEXUS_DATA_DIR", data.path().display().to_string())
            .env("NEXUS_INSTANCE", instance)
            .env("NATS_URL", nats)
            .env("API_KEY_SALT", "salt")
            .env("ALLOW_PASSTHROUGH", "true")
    };
    let mut dead = gateway("dead", "nats://127.0.0.1:9").start().await.expect("it starts");
    let (client, ledger) = (http_client(), Ledger::default());
    let url = format!("{}/v1/messages", dead.url());
    for number in 0..5 {
        ledger.issued(number);
        load::exchange(&client, &url, Payload { number }, &ledger).await.expect("an answer");
    }
    dead.kill().await.expect("it dies");
    let left = data.path().join("journal/dead");
    assert!(left.is_dir(), "it left its journal");

    let nats = Nats::start().await.expect("NATS starts");
    let _next = gateway("next", &nats.url).start().await.expect("it starts");
    let client = async_nats::connect(&nats.url).await.expect("NATS answers");
    let streams = async_nats::jetstream::new(client);
    let events = async || {
        let stream = streams.get_stream("NEXUS_EVENTS").await.ok()?;
        stream.get_info().await.ok().map(|info| info.state.messages)
    };
    let shipped = async || events().await.filter(|_count| !left.exists());
    let shipped = wait::until("the journal's end", DRAIN, shipped).await;
    assert_eq!(shipped, 10, "of each exchange the request and the answer");
}
