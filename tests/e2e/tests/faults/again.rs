//! Every event once more, in another order, under other message ids: nothing changes.

use std::time::Duration;

use nexus_e2e::{Installation, oracle, picture};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

const DRAIN: Duration = Duration::from_mins(3);

pub async fn every_event_again_in_another_order(scaled: &Installation, random: &mut StdRng) {
    let api = scaled.api();
    oracle::assert_drained(&api, DRAIN).await;
    let before = picture::take(&api).await.expect("the API answers");
    let events = scaled.events().await.expect("NATS answers");
    let mut all = events.all().await.expect("NATS answers");
    all.shuffle(random);
    eprintln!("{} events again", all.len());
    events.publish_all_again(&all).await.expect("they are taken");
    oracle::assert_drained(&api, DRAIN).await;
    let after = picture::take(&api).await.expect("the API answers");
    assert!(before == after, "before: {before:#?}\nafter: {after:#?}");
}
