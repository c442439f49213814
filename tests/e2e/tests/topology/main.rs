//! Everything that `deploy/compose.yaml` starts, as real processes with its values, against `nexus
//! up`: the same clients and load leave the same conversations, usage and bodies in both.

mod hostile;
mod letters;
mod moved;
mod planted;
mod privileges;
mod watched;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::clients::{self, ClaudeCode, Login};
use nexus_e2e::ledger::Ledger;
use nexus_e2e::load::{self, Load};
use nexus_e2e::payload::Payload;
use nexus_e2e::picture::{self, Picture};
use nexus_e2e::{Api, Installation, Nexus, Plan, oracle, talk, wait};
use nexus_scripted::{Anthropic, Server};

const DRAIN: Duration = Duration::from_mins(2);
const TALKS: usize = 6;
const TURNS: usize = 4;
const PAYLOADS: u64 = 24;
/// Answers of the Python script that are exchanges.
const SDK: usize = 7;
const BRANCHES: usize = TALKS.div_ceil(3);
#[expect(clippy::cast_possible_truncation, reason = "a few")]
const ALL: usize = TALKS * TURNS + BRANCHES + PAYLOADS as usize + SDK;

fn upstream() -> Server {
    Server::local(Anthropic::new(Arc::new(SystemClock), "topology")).expect("a free port")
}

/// The same for every installation, one request after the other.
async fn use_it(url: &str) {
    talk::all(url, TALKS, TURNS).await.expect("all are answered");
    let (client, ledger) = (nexus_e2e::http_client(), Ledger::default());
    let messages = format!("{url}/v1/messages");
    for number in 0..PAYLOADS {
        ledger.issued(number);
        load::exchange(&client, &messages, Payload { number }, &ledger).await.expect("an answer");
    }
    let found = clients::python("sdk.py", url, &Login::default()).await.expect("the script runs");
    assert_eq!(found["retried"], "survived", "{found}");
}

/// What is stored when all of it is, and linked.
async fn settled(api: &Api) -> Picture {
    let rows = wait::until("all exchanges", DRAIN, async || api.find_settled(ALL).await).await;
    assert_eq!(rows.len(), ALL, "more than there were");
    picture::take(api).await.expect("the API answers")
}

fn assert_same(scaled: &Picture, embedded: &Picture) {
    assert_eq!(scaled.exchanges.len(), ALL);
    for (scaled, embedded) in [
        (&scaled.exchanges, &embedded.exchanges),
        (&scaled.conversations, &embedded.conversations),
        (&scaled.usage, &embedded.usage),
    ] {
        let only = |one: &[String], other: &[String]| -> Vec<String> {
            one.iter().filter(|text| !other.contains(text)).cloned().collect()
        };
        let (ours, theirs) = (only(scaled, embedded), only(embedded, scaled));
        assert!(ours.is_empty() && theirs.is_empty(), "scaled: {ours:#?}\nup: {theirs:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scaled_out_form_stores_what_nexus_up_stores() {
    let (for_up, for_scaled) = (upstream(), upstream());
    let started = Installation::start(&for_scaled.url(), Plan::default()).await;
    let Some(scaled) = started.expect("everything starts") else { return };
    let up = Nexus::up(&for_up.url()).await.expect("nexus starts");
    let (url, scaled_url) = (up.url(), scaled.url());
    let ((), ()) = tokio::join!(use_it(&url), use_it(&scaled_url));
    let (api, scaled_api) = (up.api(), scaled.api());
    let (embedded, stored) = tokio::join!(settled(&api), settled(&scaled_api));
    assert_same(&stored, &embedded);
    many_clients_at_once(&scaled, 200).await;
    an_agent_with_a_sub_agent(&scaled).await;
    watched::probes_are_answered(&scaled).await;
    watched::every_process_is_scraped_from_inside(&scaled).await;
    hostile::every_body_is_stored_as_it_came(&scaled).await;
    letters::what_cannot_be_read_goes_aside(&scaled).await;
    planted::no_secret_rests_in_nats_or_postgres(&scaled).await;
    everything_accepted_is_stored(&scaled).await;
    moved::a_conversation_goes_to_sqlite_is_erased_and_comes_back(&scaled).await;
    // An analysis that nobody is there to run waits on the stream from here on.
    privileges::the_dashboards_role_reads_and_asks_for_analyses(&scaled).await;
    privileges::each_process_is_who_it_should_be(&scaled).await;
}

/// I7: what the gateways took is what the store has.
async fn everything_accepted_is_stored(scaled: &Installation) {
    let accepted = scaled.accepted().await.expect("the gateways answer");
    let settled = async || scaled.api().find_settled(accepted).await;
    let stored = wait::until("all that was accepted", DRAIN, settled).await.len();
    assert_eq!(accepted, stored, "accepted and stored");
}

/// A load from which nothing is missing, doubled or changed.
async fn many_clients_at_once(scaled: &Installation, answers: usize) {
    let api = scaled.api();
    let others = oracle::stored(&api).await.expect("the API answers");
    let load = Load::start(&scaled.url(), 8, Duration::from_millis(10));
    load.more(answers, DRAIN).await;
    let ledger = load.finish().await;
    let report = oracle::audit_beside(&api, &ledger, DRAIN, &others).await.expect("it answers");
    report.assert_clean();
    assert_eq!(report.client_errors, 0, "{report:#?}");
}

async fn an_agent_with_a_sub_agent(scaled: &Installation) {
    let claude = ClaudeCode::new(&scaled.url()).expect("a home");
    let prompt =
        "Delegate [[agent: Count the files. [[bash: ls]] [[say: 3 files]]]] [[say: It says 3.]]";
    let answer = claude.prompt(prompt, None).await.expect("an answer");
    assert_eq!(answer["result"], "It says 3.");
    wait::until("its conversation", DRAIN, async || {
        let conversations = scaled.api().conversations("").await.ok()?;
        let with_agent = conversations.iter().find(|row| row["subtaskCount"] == 1);
        with_agent.filter(|row| row["requestCount"].as_u64() >= Some(4)).map(drop)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_of_three_goes_on_without_one() {
    let upstream = upstream();
    let plan = Plan { cluster: true, ..Plan::default() };
    let started = Installation::start(&upstream.url(), plan).await;
    let Some(mut scaled) = started.expect("everything starts") else { return };
    let api = scaled.api();
    // A cluster whose streams are only just being made is not yet one of three.
    let others = BTreeSet::from([oracle::assert_fresh(&api, &scaled.url(), DRAIN).await]);
    let load = Load::start(&scaled.url(), 8, Duration::from_millis(10));
    load.more(50, DRAIN).await;
    scaled.nats[0].kill().expect("it dies");
    // What is sent without the node is stored without it.
    load.more(50, DRAIN).await;
    let ledger = load.finish().await;
    // What was on its way to a consumer through the dead node comes again when its acknowledgement is
    // overdue, after a minute; and once more, should the cluster not have settled by then.
    let report =
        oracle::audit_beside(&api, &ledger, 2 * DRAIN, &others).await.expect("the API answers");
    eprintln!("two nodes of three: {report:?}\n{}", scaled.last_words());
    report.assert_clean();
    assert_eq!(report.client_errors, 0, "{report:?}");
    oracle::assert_fresh(&api, &scaled.url(), Duration::from_secs(30)).await;
    scaled.nats[0].restart().await.expect("it comes back");
    oracle::assert_drained(&api, DRAIN).await;
}
