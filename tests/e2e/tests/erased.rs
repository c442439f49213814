//! What was erased does not come back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::{Nexus, oracle};
use nexus_scripted::{Anthropic, Server};

const SOON: Duration = Duration::from_secs(30);

/// A journal that was not closed ships its last segment again with the next start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_conversation_does_not_come_back_out_of_the_journal() {
    let upstream = Server::local(Anthropic::new(Arc::new(SystemClock), "erased")).expect("a port");
    let mut nexus = Nexus::up(&upstream.url()).await.expect("nexus starts");
    let api = nexus.api();
    let id = oracle::assert_fresh(&api, &nexus.url(), SOON).await;
    oracle::assert_drained(&api, SOON).await;
    nexus.kill().await.expect("it dies");

    let data = nexus.dir().join("data").display().to_string();
    let prune = async |arguments: &str| {
        let prune = nexus.beside(&format!("prune --conversation {id}{arguments}"));
        let output = prune.env("NEXUS_DATA_DIR", &*data).once().await.expect("it runs");
        assert!(output.status.success(), "{output:?}");
    };
    let journals = nexus.dir().join("data/journal");
    let is_left = || journals.read_dir().expect("a folder").count() > 0;
    prune(" --dry-run").await;
    assert!(is_left(), "a dry run touches nothing");
    prune("").await;
    assert!(!is_left(), "what was said still stands in the journal");

    nexus.restart().await.expect("it starts again");
    // Behind whatever the start brings.
    let fresh = oracle::assert_fresh(&api, &nexus.url(), SOON).await;
    oracle::assert_drained(&api, SOON).await;
    let stored = oracle::stored(&api).await.expect("the API answers");
    assert_eq!(stored, BTreeSet::from([fresh]));
}

/// So that nothing comes twice where nobody remembers it: the stream forgets what it has seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stops_leaves_nothing_to_ship_again() {
    let upstream = Server::local(Anthropic::new(Arc::new(SystemClock), "stopped")).expect("a port");
    let mut nexus = Nexus::up(&upstream.url()).await.expect("nexus starts");
    let api = nexus.api();
    oracle::assert_fresh(&api, &nexus.url(), SOON).await;
    oracle::assert_drained(&api, SOON).await;
    let journals = nexus.dir().join("data/journal");
    assert!(!segments(&journals).is_empty(), "the one that is written");
    assert!(nexus.stop().await.expect("it stops").success());
    let left = segments(&journals);
    assert!(left.is_empty(), "{left:?}\n{}", nexus.log());
}

/// Of all instances.
fn segments(journals: &Path) -> Vec<PathBuf> {
    let files = entries(journals).into_iter().flat_map(|instance| entries(&instance));
    files.filter(|file| file.extension().is_some_and(|end| end == "segment")).collect()
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    dir.read_dir().expect("a folder").flatten().map(|entry| entry.path()).collect()
}
