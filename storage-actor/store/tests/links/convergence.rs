//! The tables are a function of the set of facts.

use std::sync::Arc;

use nexus_linking::{Fact, Memory, forest::forest, reference::link_all};
use nexus_store::{Store, store_tests, testing::TestStore};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom as _};

/// `make faults` runs more.
const FORESTS: u64 = 25;
const FORESTS_OF_THE_LONG_FORM: u64 = 1_000;

store_tests!(one_to_four_linkers);

async fn one_to_four_linkers(store: TestStore) {
    run(store, FORESTS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the long form"]
async fn one_to_four_linkers_at_length_on_sqlite() {
    run(nexus_store::testing::sqlite().await, FORESTS_OF_THE_LONG_FORM).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the long form"]
async fn one_to_four_linkers_at_length_on_postgres() {
    if let Some(store) = nexus_store::testing::postgres().await {
        run(store, FORESTS_OF_THE_LONG_FORM).await;
    }
}

/// All forests live in one store, each in domains and sessions of its own, and every linker gets
/// each in an order of its own.
async fn run(store: TestStore, forests: u64) {
    for seed in 0..forests {
        let linkers = 1 + seed % 4;
        let mut random = StdRng::seed_from_u64(seed);
        let count = random.random_range(4..24);
        let facts = apart(forest(&mut random, count), seed);
        let expected = link_all(&facts).await;
        let mut tasks = Vec::new();
        for _ in 0..linkers {
            let mut mine = facts.clone();
            mine.shuffle(&mut random);
            tasks.push(tokio::spawn(feed(store.store.clone(), mine, random.random())));
        }
        for task in tasks {
            task.await.expect("a linker ends well");
        }
        compare(&store, &expected, seed).await;
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

fn apart(facts: Vec<Fact>, seed: u64) -> Vec<Fact> {
    let apart = |fact: Fact| match fact {
        Fact::Request(id, mut request) => {
            request.domain = format!("{}.{seed}", request.domain);
            request.session = request.session.map(|session| format!("{session}.{seed}"));
            Fact::Request(id, request)
        }
        answer @ Fact::Answer(..) => answer,
    };
    facts.into_iter().map(apart).collect()
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
