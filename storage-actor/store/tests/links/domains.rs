//! Domains begin with the same words, and none sees what another goes on with.

use nexus_contract::ExchangeId;
use nexus_store::{store_tests, testing::TestStore};

use crate::said::request;

store_tests!(
    a_late_beginning_is_found_where_another_domain_came_first,
    a_late_beginning_is_found_far_above_where_domains_part,
);

async fn parent(store: &TestStore, id: ExchangeId) -> Option<ExchangeId> {
    store.find_link(id).await.expect("read").expect("a link").edge.parent
}

async fn a_late_beginning_is_found_where_another_domain_came_first(store: TestStore) {
    let (_, foreign) = request("theirs", 0, &["fix it", "how?", "well"]);
    let (late, beginning) = request("ours", 10, &["fix it"]);
    let (child, going_on) = request("ours", 20, &["fix it", "how?", "quickly"]);
    let (further, further_on) = request("ours", 30, &["fix it", "how?", "quickly", "done", "more"]);
    store.link(&[foreign]).await.expect("linked");
    store.link(&[going_on, further_on]).await.expect("linked");
    assert_eq!(parent(&store, child).await, None);
    store.link(&[beginning]).await.expect("linked");
    assert_eq!(parent(&store, child).await, Some(late));
    assert_eq!(parent(&store, further).await, Some(child));
    let (deep, foreign) = request("theirs", 40, &["fix it", "how?", "quickly", "done", "else"]);
    let (between, foreign_too) = request("theirs", 35, &["fix it", "how?", "quickly"]);
    store.link(&[foreign]).await.expect("linked");
    store.link(&[foreign_too]).await.expect("linked");
    assert_eq!(parent(&store, deep).await, Some(between));
}

async fn a_late_beginning_is_found_far_above_where_domains_part(store: TestStore) {
    let (_, foreign) = request("theirs", 0, &["fix it", "how?", "well", "no", "yes"]);
    let (child, going_on) = request("ours", 20, &["fix it", "how?", "well", "no", "quickly"]);
    let (late, beginning) = request("ours", 10, &["fix it"]);
    store.link(&[foreign, going_on]).await.expect("linked");
    store.link(&[beginning]).await.expect("linked");
    assert_eq!(parent(&store, child).await, Some(late));
}
