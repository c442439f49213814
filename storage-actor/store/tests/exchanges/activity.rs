//! How many conversations are active in each stretch of a period.

use jiff::Timestamp;
use nexus_store::{queries::UsageFilter, store_tests, testing::TestStore};

use crate::retention::{opened, store_turns};

async fn course(store: &TestStore, filter: &UsageFilter, times: &[&str]) -> Vec<u64> {
    let edges: Vec<Timestamp> = times
        .iter()
        .map(|time| format!("2026-11-23T{time}:00Z").parse().expect("an instant"))
        .collect();
    let activity = store.sample_activity(filter, filter, &edges).await.expect("a sample");
    activity.course
}

async fn a_conversation_is_active_from_its_first_exchange_to_its_last(store: TestStore) {
    let probe = opened(&store).await;
    // From 09:07 to 10:10, and from 11:27 to 11:48.
    store_turns(&store, &probe, 1, 1..=10).await;
    store_turns(&store, &probe, 21, 21..=24).await;
    let all = UsageFilter::default();
    let half_hours = ["09:30", "10:00", "10:30", "11:00", "11:30", "12:00"];
    assert_eq!(course(&store, &all, &half_hours).await, [1, 1, 0, 1, 1], "one from before");
    let unlike = ["08:00", "09:00", "10:00", "12:00"];
    assert_eq!(course(&store, &all, &unlike).await, [0, 1, 2]);
    assert_eq!(course(&store, &all, &["12:00", "13:00"]).await, [0]);
    let domain = |name: &str| UsageFilter { domain: Some(name.into()), ..UsageFilter::default() };
    assert_eq!(course(&store, &domain("team.example"), &unlike).await, [0, 1, 2]);
    assert_eq!(course(&store, &domain("other.example"), &unlike).await, [0, 0, 0]);
}

store_tests!(a_conversation_is_active_from_its_first_exchange_to_its_last);
