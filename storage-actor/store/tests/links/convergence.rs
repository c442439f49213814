//! The tables are a function of the set of facts.

use std::{collections::BTreeSet, sync::Arc};

use nexus_linking::{Fact, Memory, forest::forest, reference::link_all};
use nexus_store::{Store, store_tests, testing::TestStore};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom as _};

use crate::tables::{Dump, Tables, counts, difference};

/// How many sets of exchanges are linked, and how often each, by one to four linkers.
struct Form {
    forests: u64,
    orders: u64,
}

const SHORT: Form = Form { forests: 25, orders: 1 };
/// `make faults`.
const LONG: Form = Form { forests: 200, orders: 20 };

store_tests!(one_to_four_linkers);

async fn one_to_four_linkers(store: TestStore) {
    run(store, SHORT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the long form: make faults"]
async fn one_to_four_linkers_at_length_on_sqlite() {
    run(nexus_store::testing::sqlite().await, LONG).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the long form: make faults"]
async fn one_to_four_linkers_at_length_on_postgres() {
    if let Some(store) = nexus_store::testing::postgres().await {
        run(store, LONG).await;
    }
}

/// Links every set once at once, and then in other orders: each linker has one of its own, and gets
/// every fact, so that most come more than once.
async fn run(store: TestStore, form: Form) {
    let tables = Tables::open(&store.url).await;
    for seed in 0..form.forests {
        let mut random = StdRng::seed_from_u64(seed);
        let count = random.random_range(4..24);
        let facts = forest(&mut random, count);
        let expected = at_once(&store, &tables, &facts, seed).await;
        for order in 0..form.orders {
            tables.clear().await;
            in_parallel(&store, &facts, 1 + (seed + order) % 4, &mut random).await;
            if let Some(difference) = difference(&expected, &tables.dump().await) {
                panic!("seed {seed}, order {order}:\n{difference}");
            }
        }
    }
}

/// The tables after one batch with everything in it, which says what the reference says.
pub async fn at_once(store: &TestStore, tables: &Tables, facts: &[Fact], seed: u64) -> Dump {
    tables.clear().await;
    store.link(facts).await.expect("facts are linked");
    let reference = link_all(facts).await;
    compare(store, &reference, seed).await;
    let dump = tables.dump().await;
    let found: Vec<_> = dump.iter().map(BTreeSet::len).collect();
    assert_eq!(found, counts(&reference), "seed {seed}");
    dump
}

async fn in_parallel(store: &TestStore, facts: &[Fact], linkers: u64, random: &mut StdRng) {
    let mut tasks = Vec::new();
    for _ in 0..linkers {
        let mut mine = facts.to_vec();
        mine.shuffle(random);
        tasks.push(tokio::spawn(feed(store.store.clone(), mine, random.random())));
    }
    for task in tasks {
        task.await.expect("a linker ends well");
    }
}

/// Every linker gets every fact, in its own order and batches.
async fn feed(store: Arc<dyn Store>, facts: Vec<Fact>, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut rest = &facts[..];
    while !rest.is_empty() {
        let (batch, more) = rest.split_at(random.random_range(1..=rest.len().min(8)));
        store.link(batch).await.expect("facts are linked");
        rest = more;
    }
}

async fn compare(store: &TestStore, expected: &Memory, seed: u64) {
    for (id, link) in &expected.links {
        let found = store.find_link(*id).await.expect("links are read");
        assert_eq!(found.as_ref(), Some(link), "seed {seed}");
        let facts = store.find_facts(*id).await.expect("facts are read").expect("stored");
        let known = &expected.exchanges[id];
        assert_eq!((facts.place, facts.follow), (known.place, known.follow), "seed {seed}");
    }
}
