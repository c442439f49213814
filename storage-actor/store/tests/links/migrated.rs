//! A store that a newer version has migrated while an older linker goes on.

use nexus_store::{store_tests, testing::TestStore};

use crate::{said::request, tables::Tables};

store_tests!(facts_wait_where_a_column_has_gone, facts_wait_where_a_table_has_gone);

async fn facts_wait_where_a_column_has_gone(store: TestStore) {
    facts_wait(
        &store,
        "ALTER TABLE link_facts RENAME COLUMN request_facts TO newer_facts",
        "ALTER TABLE link_facts RENAME COLUMN newer_facts TO request_facts",
    )
    .await;
}

async fn facts_wait_where_a_table_has_gone(store: TestStore) {
    facts_wait(
        &store,
        "ALTER TABLE link_prefixes RENAME TO newer_prefixes",
        "ALTER TABLE newer_prefixes RENAME TO link_prefixes",
    )
    .await;
}

/// Its statements are prepared by then.
async fn facts_wait(store: &TestStore, migrate: &'static str, take_back: &'static str) {
    let (_, known) = request("ours", 0, &["fix it"]);
    let (id, new) = request("ours", 10, &["fix it", "how?", "well"]);
    store.link(&[known]).await.expect("linked");
    let tables = Tables::open(&store.url).await;
    tables.run(migrate).await;
    let facts = [new];
    let error = store.link(&facts).await.expect_err("refused");
    assert!(error.can_wait() && !error.is_transient(), "{error}");
    tables.run(take_back).await;
    store.link(&facts).await.expect("linked");
    assert!(store.find_link(id).await.expect("read").is_some());
}
