//! New prices reach what is stored, and every sum of it.

use nexus_messages::PriceTable;
use nexus_store::{exchanges::Repriced, store_tests, testing::TestStore};

use crate::{
    convergence::same,
    probe::{Place, Probe},
    sample::{at, history, id, request, response},
};

const TABLES: [&str; 5] = [
    "SELECT exchange_id, cost_nanos FROM exchanges",
    "SELECT exchange_id, cost_nanos FROM usage",
    "SELECT * FROM conversations",
    "SELECT * FROM usage_buckets",
    "SELECT * FROM account_buckets",
];

/// The model of the samples' answers at so many dollars per million tokens.
fn prices(input: u32) -> PriceTable {
    let file = format!(
        r#"{{"models":[{{"model":"answer","rates":{{"input":{input},"output":1,"cacheRead":1,
        "cacheCreation5m":1,"cacheCreation1h":1}}}}]}}"#
    );
    PriceTable::with_file(&file).expect("a price file")
}

async fn stored(store: &TestStore) -> Probe {
    let probe = Probe::open(&store.url).await;
    probe.play_linker().await;
    for number in 1..=12 {
        let place = Place { conversation: id(1).0, branch: "main".to_owned(), kind: "turn" };
        probe.place(id(number).0, &place).await;
        let parts = [request(number, &history(number)), response(number, b"answer")];
        store.write_exchanges(&parts).await.expect("stored");
    }
    probe
}

async fn reprice(store: &TestStore, prices: &PriceTable) -> Repriced {
    let (mut sum, mut after) = (Repriced::default(), None);
    loop {
        let (some, end) = store.reprice_some(prices, after).await.expect("computed");
        sum.exchanges += some.exchanges;
        sum.changed += some.changed;
        if end.is_none() {
            return sum;
        }
        after = end;
    }
}

async fn every_cost_and_every_sum_follows(store: TestStore) {
    let probe = stored(&store).await;
    // Usage outlives its exchange.
    store.remove_rows(at(4)).await.expect("removed");
    assert_eq!(reprice(&store, &prices(3)).await, Repriced { exchanges: 12, changed: 12 });
    let costs = "SELECT CAST(sum(cost_nanos) AS BIGINT) AS nanos FROM";
    // A token of input costs 3,000 billionths; the samples have as many as their number.
    // What is left of the first three goes by the model of their requests, which has no price.
    assert_eq!(probe.rows(&format!("{costs} usage")).await, ["nanos=216000"]);
    assert_eq!(probe.rows(&format!("{costs} exchanges")).await, ["nanos=216000"]);
    assert_eq!(probe.rows(&format!("{costs} conversations")).await, ["nanos=216000"]);
    for table in ["usage_buckets", "account_buckets"] {
        let days = format!("{costs} {table} WHERE width_minutes = 1440");
        assert_eq!(probe.rows(&days).await, ["nanos=216000"]);
    }
    let mut before = Vec::new();
    for table in TABLES {
        before.push(probe.rows(table).await);
    }
    store.rebuild().await.expect("counted");
    assert_eq!(reprice(&store, &prices(3)).await, Repriced { exchanges: 12, changed: 0 });
    let mut after = Vec::new();
    for table in TABLES {
        after.push(probe.rows(table).await);
    }
    same(&after, &before);
}

async fn a_model_that_lost_its_price_is_unknown_again(store: TestStore) {
    let probe = stored(&store).await;
    reprice(&store, &prices(3)).await;
    reprice(&store, &PriceTable::listed()).await;
    let unpriced =
        probe.rows("SELECT unpriced_count AS n, cost_nanos AS c FROM conversations").await;
    assert_eq!(unpriced, ["c=0 n=12"]);
}

async fn the_version_is_noted(store: TestStore) {
    assert_eq!(store.find_price_version().await.expect("read"), None);
    for input in [1, 2] {
        let version = prices(input).version();
        store.put_price_version(&version).await.expect("noted");
        assert_eq!(store.find_price_version().await.expect("read"), Some(version));
    }
}

store_tests!(
    every_cost_and_every_sum_follows,
    a_model_that_lost_its_price_is_unknown_again,
    the_version_is_noted,
);
