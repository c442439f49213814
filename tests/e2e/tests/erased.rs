//! What was erased does not come back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::{Nexus, oracle};
use nexus_scripted::{Anthropic, Server};

const SOON: Duration = Duration::from_secs(30);

/// The journal ships its last segment again with the next start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_conversation_does_not_come_back_out_of_the_journal() {
    let upstream = Server::local(Anthropic::new(Arc::new(SystemClock), "erased")).expect("a port");
    let mut nexus = Nexus::up(&upstream.url()).await.expect("nexus starts");
    let api = nexus.api();
    let id = oracle::assert_fresh(&api, &nexus.url(), SOON).await;
    oracle::assert_drained(&api, SOON).await;
    assert!(nexus.stop().await.expect("it stops").success());

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
