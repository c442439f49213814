//! The links are a function of the set of facts: any order, any number of times, any batches.

use crate::common::ready;
use nexus_linking::{Cache, Fact, Memory, forest::forest, ingest, reference::link_all};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom as _};

const FORESTS: u64 = 1_000;
const ORDERS: usize = 20;

#[test]
fn any_order_gives_the_same_tables() {
    for seed in 0..FORESTS {
        let mut random = StdRng::seed_from_u64(seed);
        let count = random.random_range(4..24);
        let facts = forest(&mut random, count);
        let expected = tables(&ready(link_all(&facts)));
        for order in 0..ORDERS {
            let shuffled = shuffle(&mut random, &facts);
            let mut index = Memory::default();
            let mut rest = &shuffled[..];
            while !rest.is_empty() {
                let (batch, more) = rest.split_at(random.random_range(1..=rest.len().min(8)));
                // Every other order as the stores do it: fetched ahead, and written at the end.
                index = if order % 2 == 0 { straight(index, batch) } else { cached(index, batch) };
                rest = more;
            }
            let found = tables(&index);
            assert!(found == expected, "seed {seed}, order {order}:\n{}", diff(&expected, &found));
        }
    }
}

fn straight(mut index: Memory, batch: &[Fact]) -> Memory {
    ready(ingest(&mut index, batch)).expect("infallible");
    index
}

fn cached(index: Memory, batch: &[Fact]) -> Memory {
    let mut cache = Cache::new(index);
    ready(cache.fetch(batch)).expect("infallible");
    ready(ingest(&mut cache, batch)).expect("infallible");
    ready(cache.finish()).expect("infallible")
}

/// A random order with about a fifth of the facts twice.
fn shuffle(random: &mut StdRng, facts: &[Fact]) -> Vec<Fact> {
    let mut shuffled = facts.to_vec();
    for fact in facts {
        if random.random_bool(0.2) {
            shuffled.push(fact.clone());
        }
    }
    shuffled.shuffle(random);
    shuffled
}

/// Everything that is stored, as text.
fn tables(index: &Memory) -> Vec<String> {
    let mut rows = Vec::new();
    rows.extend(index.links.values().map(|link| format!("{link:?}")));
    rows.extend(index.labels.iter().map(|label| format!("{label:?}")));
    rows.extend(index.calls.values().map(|call| format!("{call:?}")));
    rows.extend(index.nodes.values().map(|node| format!("{node:?}")));
    rows.extend(index.waits.iter().map(|wait| format!("{wait:?}")));
    rows.extend(index.results.iter().map(|result| format!("{result:?}")));
    rows.extend(index.exchanges.values().map(|exchange| format!("{exchange:?}")));
    rows
}

fn diff(expected: &[String], found: &[String]) -> String {
    let missing =
        expected.iter().filter(|row| !found.contains(row)).map(|row| format!("- {row}\n"));
    let surplus =
        found.iter().filter(|row| !expected.contains(row)).map(|row| format!("+ {row}\n"));
    missing.chain(surplus).collect()
}
