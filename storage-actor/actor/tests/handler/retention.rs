//! Each class of data has its own age.

use std::{sync::Arc, time::Duration};

use nexus_contract::{Clock, ManualClock};
use nexus_messages::line::parse_line;
use nexus_storage::{
    Removed, RetentionConfig,
    retention::{remove_old, run},
};
use nexus_store::{store_tests, testing::TestStore};
use tokio_util::sync::CancellationToken;

use crate::role::{Role, capture};

async fn each_class_goes_at_its_age(store: TestStore) {
    let role = Role::on(store.store.clone());
    let (request, response) = parse_line(&capture("s01_hello")[0]).expect("an exchange");
    let (id, at) = (request.envelope.id, request.envelope.at);
    role.handle(vec![request, response]).await;
    let clock = ManualClock::new(at);
    let days = |count: u64| Some(Duration::from_hours(24 * count));
    let config = RetentionConfig { payloads: days(1), rows: days(2), usage: days(3) };
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(remove_old(&**store, &config, clock.now()).await.expect("removed"));
        clock.advance(jiff::Span::new().hours(25));
    }
    let expected = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)];
    let expected = expected.map(|(payloads, rows, usage)| Removed { payloads, rows, usage });
    assert_eq!(seen, expected);
    assert!(store.find_exchange(id).await.expect("read").is_none());
}

async fn without_ages_nothing_runs(store: TestStore) {
    let clock = Arc::new(ManualClock::new("2026-11-23T09:00:00Z".parse().expect("a time")));
    let config = RetentionConfig::default();
    run(store.store.clone(), clock, config, CancellationToken::new()).await;
}

store_tests!(each_class_goes_at_its_age, without_ages_nothing_runs);
