//! The tables are a function of the set of facts.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    vec::IntoIter,
};

use nexus_contract::ExchangeId;
use nexus_linking::{Fact, Link, Memory};
use nexus_store::{Store, StoreConfig, open, store_tests, testing::TestStore};

use crate::{
    tables::{Dump, Tables, counts, difference, mark, names_that_differ},
    wood::Wood,
};

/// How many random sets of exchanges are linked, and in how many orders.
struct Form {
    forests: u64,
    orders: u64,
}

const SHORT: Form = Form { forests: 25, orders: 4 };
/// `make faults`.
const LONG: Form = Form { forests: 1_000, orders: 20 };
/// Forests in the store at the same time.
const SIDE_BY_SIDE: usize = 50;
/// How many linkers share an order, one order after the other.
const LINKERS: [usize; 4] = [4, 2, 3, 1];

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

/// Links every wood once at once, and then in other orders.
async fn run(store: TestStore, form: Form) {
    let tables = Tables::open(&store.url).await;
    let linkers = linkers(&store).await;
    for seeds in seeds(form.forests).chunks(SIDE_BY_SIDE) {
        let wood = Wood::grow(seeds).await;
        let (expected, wrong) = at_once(&store, &tables, &wood.facts(), &wood.reference).await;
        wood.check("all at once", &wrong);
        for (order, count) in (0..form.orders).zip(LINKERS.into_iter().cycle()) {
            tables.clear().await;
            in_parallel(&linkers[..count], wood.batches(order)).await;
            let differences = difference(&expected, &tables.dump().await);
            wood.check(&format!("order {order} by {count} linkers"), &differences);
        }
    }
}

/// One forest alone is asked for when the test is built.
fn seeds(forests: u64) -> Vec<u64> {
    match option_env!("NEXUS_FOREST") {
        Some(seed) => vec![seed.parse().expect("NEXUS_FOREST is a forest's number")],
        None => (0..forests).collect(),
    }
}

/// The stores of as many linkers as there are at most, each with connections of its own.
async fn linkers(store: &TestStore) -> Vec<Arc<dyn Store>> {
    let config = StoreConfig { max_readers: 1, migrate: false, ..StoreConfig::new(&store.url) };
    let mut linkers = Vec::new();
    for _ in LINKERS {
        linkers.push(open(&config).await.expect("it opens again"));
    }
    linkers
}

/// The tables after one batch with everything in it, and where they don't say what the reference says.
pub async fn at_once(
    store: &TestStore,
    tables: &Tables,
    facts: &[Fact],
    reference: &Memory,
) -> (Dump, Vec<String>) {
    tables.clear().await;
    store.link(facts).await.expect("facts are linked");
    let mut wrong = Vec::new();
    for (id, link) in &reference.links {
        wrong.extend(compare(store, reference, *id, link).await);
    }
    let dump = tables.dump().await;
    let found: Vec<_> = dump.iter().map(BTreeSet::len).collect();
    let expected = counts(reference);
    if found != expected {
        wrong.push(format!("{found:?} rows instead of {expected:?}"));
    }
    wrong.extend(names_that_differ(reference, &dump));
    (dump, wrong)
}

async fn compare(
    store: &TestStore,
    reference: &Memory,
    id: ExchangeId,
    link: &Link,
) -> Option<String> {
    let found = store.find_link(id).await.expect("links are read");
    let facts = store.find_facts(id).await.expect("facts are read").expect("stored");
    let (known, place) = (&reference.exchanges[&id], (facts.place, facts.follow));
    let same = found.as_ref() == Some(link) && place == (known.place, known.follow);
    let expected = (link, (known.place, known.follow));
    let name = mark(id.0.as_bytes());
    (!same).then(|| format!("{name}: {:?} instead of {expected:?}", (found, place)))
}

type Queue = Arc<Mutex<IntoIter<Vec<Fact>>>>;

/// Whoever is free takes the next batch.
async fn in_parallel(linkers: &[Arc<dyn Store>], batches: Vec<Vec<Fact>>) {
    let queue: Queue = Arc::new(Mutex::new(batches.into_iter()));
    let consume = |linker: &Arc<dyn Store>| tokio::spawn(consume(linker.clone(), queue.clone()));
    let tasks: Vec<_> = linkers.iter().map(consume).collect();
    for task in tasks {
        task.await.expect("a linker ends well");
    }
}

/// Like the role, which is given again what could not be committed now.
async fn consume(linker: Arc<dyn Store>, queue: Queue) {
    while let Some(batch) = next(&queue) {
        while let Err(error) = linker.link(&batch).await {
            assert!(error.is_transient(), "facts are linked: {error}");
        }
    }
}

fn next(queue: &Queue) -> Option<Vec<Fact>> {
    queue.lock().expect("nobody panics with it").next()
}
