//! PostgreSQL keeps usage in a partition a month.

use nexus_store::{StoreConfig, exchanges::ExchangePart, open, testing};

use crate::{retention::opened, sample::response};

const WHERE: &str = "SELECT CAST(tableoid::regclass AS TEXT) AS part FROM usage";

fn ended(number: u32, at: &str) -> [ExchangePart; 1] {
    let mut part = response(number, b"x");
    part.at = at.parse().expect("a time");
    [part]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_month_has_its_own_and_odd_times_share_one() {
    let Some(store) = testing::postgres().await else { return };
    let probe = opened(&store).await;
    let times = ["2026-09-30T23:59:59Z", "2026-10-01T00:00:00Z", "1999-01-01T00:00:00Z"];
    for (number, at) in (1..).zip(times) {
        store.write_exchanges(&ended(number, at)).await.expect("stored");
    }
    let found = probe.rows(WHERE).await;
    assert_eq!(found, ["part=usage_2026_09", "part=usage_2026_10", "part=usage_other"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_that_was_dropped_under_another_process_goes_on() {
    const OLD: &str = "2026-03-01T00:00:00Z";
    let Some(store) = testing::postgres().await else { return };
    let probe = opened(&store).await;
    let other = open(&StoreConfig::new(&store.url)).await.expect("it opens twice");
    store.write_exchanges(&ended(1, OLD)).await.expect("stored");
    other.write_exchanges(&ended(2, OLD)).await.expect("stored");
    let end = "2026-04-01T00:00:00Z".parse().expect("a time");
    assert_eq!(store.remove_usage(end).await.expect("removed"), 2);
    // This one believes that the month is there, the other one makes it anew.
    other.write_exchanges(&ended(3, OLD)).await.expect("stored");
    store.write_exchanges(&ended(4, OLD)).await.expect("stored");
    assert_eq!(probe.rows(WHERE).await, ["part=usage_other", "part=usage_other"]);
    assert_eq!(store.remove_usage(end).await.expect("removed"), 2);
    other.close().await;
}
