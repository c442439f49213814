//! Facts come back as they were, also those that a version before had stored.

use duplicate::duplicate_item;
use nexus_linking::{Exchange, Fact, forest::forest, reference::link_all};
use nexus_store::{
    Store, StoreConfig, open, store_tests,
    testing::{Pool, TestStore},
};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom as _};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{PgPool, SqlitePool};

store_tests!(facts_come_back_whole, facts_of_the_version_before_come_back);

const EXCHANGES: usize = 60;

fn facts() -> Vec<Fact> {
    let mut random = StdRng::seed_from_u64(9);
    let mut facts = forest(&mut random, EXCHANGES);
    facts.shuffle(&mut random);
    facts
}

fn spelled(facts: &impl Serialize) -> Value {
    serde_json::to_value(facts).expect("JSON")
}

/// But for what nothing reads any more: an answer's text as a summary that nobody asked for.
fn kept(mut exchange: Exchange) -> Value {
    let asked = exchange.request.as_ref().is_none_or(|request| request.summarises);
    if let Some(answer) = exchange.answer.as_mut().filter(|_| !asked) {
        answer.plain_summary = None;
    }
    spelled(&exchange)
}

async fn find(store: &dyn Store, exchange: &Exchange) -> Value {
    spelled(&store.find_facts(exchange.id).await.expect("read").expect("stored"))
}

async fn facts_come_back_whole(store: TestStore) {
    let facts = facts();
    for batch in facts.chunks(7) {
        store.link(batch).await.expect("linked");
    }
    let known = link_all(&facts).await.exchanges;
    assert!(known.len() > EXCHANGES / 2);
    for exchange in known.into_values() {
        assert_eq!(find(&**store, &exchange).await, kept(exchange));
    }
}

/// Takes back the migration that packs facts.
const TEXTS: [&str; 2] = [
    "ALTER TABLE link_facts ADD COLUMN request TEXT",
    "ALTER TABLE link_facts ADD COLUMN answer TEXT",
];
const WITHOUT_PACKED: [&str; 3] = [
    "ALTER TABLE link_facts DROP COLUMN request_facts",
    "ALTER TABLE link_facts DROP COLUMN answer_facts",
    "DELETE FROM _sqlx_migrations WHERE version = 41",
];
const WRITE: &str = "UPDATE link_facts SET request = $1, answer = $2 WHERE exchange_id = $3";

/// Writes the facts as the version before did, which also knew a title.
#[duplicate_item(
    Engine        write_as_before;
    [SqlitePool]  [write_as_before_on_sqlite];
    [PgPool]      [write_as_before_on_postgres];
)]
async fn write_as_before(pool: &Engine, exchanges: &[Exchange]) {
    for statement in TEXTS {
        sqlx::query(statement).execute(pool).await.expect("it runs");
    }
    for one in exchanges {
        let request = one.request.as_ref().map(|request| {
            let mut request = spelled(request);
            request["title"] = json!("hi");
            request.to_string()
        });
        let answer = one.answer.as_ref().map(|answer| spelled(answer).to_string());
        let query = sqlx::query(WRITE).bind(request).bind(answer).bind(one.id.0);
        let written = query.execute(pool).await.expect("it writes");
        assert_eq!(written.rows_affected(), 1);
    }
    for statement in WITHOUT_PACKED {
        sqlx::query(statement).execute(pool).await.expect("it runs");
    }
    pool.close().await;
}

async fn facts_of_the_version_before_come_back(store: TestStore) {
    let facts = facts();
    store.link(&facts).await.expect("linked");
    let known: Vec<_> = link_all(&facts).await.exchanges.into_values().collect();
    match Pool::open(&store.url).await {
        Pool::Sqlite(pool) => write_as_before_on_sqlite(&pool, &known).await,
        Pool::Postgres(pool) => write_as_before_on_postgres(&pool, &known).await,
    }
    let migrated = open(&StoreConfig::new(&store.url)).await.expect("it is migrated");
    for exchange in &known {
        assert_eq!(find(&*migrated, exchange).await, spelled(exchange));
    }
    assert_eq!(migrated.relink(true).await.expect("relinked"), [], "they say the same");
    migrated.close().await;
}
