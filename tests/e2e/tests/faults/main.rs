//! Faults in the scaled-out form, with an oracle that knows every request: nothing is missing,
//! doubled or changed, no client notices but those of a killed gateway, and the lag goes to zero by
//! itself. The short form runs with all tests, the long one with `make faults`.

mod again;
mod damage;
mod outages;

use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::load::Load;
use nexus_e2e::oracle::{self, Report};
use nexus_e2e::{Installation, Plan};
use nexus_scripted::{Anthropic, Server};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const CLIENTS: usize = 4;
/// I4: from the end of the faults until everything is stored.
const DRAIN: Duration = Duration::from_mins(3);
/// I9: from the end of a fault until a fresh request is stored.
const FRESH: Duration = Duration::from_secs(30);

/// How much of it.
struct Form {
    seed: u64,
    /// Of each process.
    kills: usize,
    /// How long a server stays away or frozen.
    outage: Duration,
    /// Of a client between two requests.
    pause: Duration,
}

async fn faults(form: Form) {
    let upstream = Server::local(Anthropic::new(Arc::new(SystemClock), "faults")).expect("a port");
    let started = Installation::start(&upstream.url(), Plan::default()).await;
    let Some(mut scaled) = started.expect("everything starts") else { return };
    let mut random = StdRng::seed_from_u64(form.seed);

    let report =
        under_load(&mut scaled, form.pause, async |scaled| outages::all(scaled, form.outage).await)
            .await;
    eprintln!("outages of {:?}: {report:?}", form.outage);
    assert_eq!(report.client_errors, 0, "{report:#?}");

    let report = under_load(&mut scaled, form.pause, outages::rolling_restart).await;
    eprintln!("every role restarted: {report:?}");
    assert_eq!(report.client_errors, 0, "{report:#?}");

    let (mut victims, mut gateways) = (outages::victims(&scaled), 0);
    let report = under_load(&mut scaled, form.pause, async |scaled| {
        for _ in 0..form.kills {
            victims.shuffle(&mut random);
            for victim in &victims {
                // The fault's moment is what is random here; nothing is waited for.
                tokio::time::sleep(Duration::from_millis(random.random_range(20..400))).await;
                outages::kill(scaled, victim).await;
                gateways += usize::from(victim.is_gateway());
            }
        }
    })
    .await;
    eprintln!("seed {}, {} kills of each process: {report:?}", form.seed, form.kills);
    let hit = gateways * CLIENTS;
    assert!(report.client_errors <= hit, "only those in flight on a killed gateway: {report:#?}");

    again::every_event_again_in_another_order(&scaled, &mut random).await;
    damage::a_flipped_byte_costs_what_it_hit(&mut scaled).await;
}

/// What a load saw that ran while something happened, held against the store after it.
async fn under_load(
    scaled: &mut Installation,
    pause: Duration,
    happens: impl AsyncFnOnce(&mut Installation),
) -> Report {
    let mut others = oracle::stored(&scaled.api()).await.expect("the API answers");
    let load = Load::start(&scaled.url(), CLIENTS, pause);
    load.more(20, DRAIN).await;
    happens(scaled).await;
    load.more(20, DRAIN).await;
    let ledger = load.finish().await;
    let api = scaled.api();
    others.insert(oracle::assert_fresh(&api, &scaled.url(), FRESH).await);
    oracle::assert_drained(&api, DRAIN).await;
    let report = oracle::audit_beside(&api, &ledger, DRAIN, &others).await.expect("it answers");
    report.assert_clean();
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_in_the_short_form() {
    let (outage, pause) = (Duration::from_secs(2), Duration::from_millis(60));
    faults(Form { seed: 5, kills: 1, outage, pause }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the long form: make faults"]
async fn nothing_is_lost_in_the_long_form() {
    // All that came meanwhile comes again at the end: no more of it than a debug build takes in time.
    let (outage, pause) = (Duration::from_mins(1), Duration::from_millis(100));
    faults(Form { seed: 6, kills: 20, outage, pause }).await;
}
