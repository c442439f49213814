//! Many random sets of exchanges in one store: forests with the same words, each with domains, sessions
//! and ids of its own. What a forest's tables hold is what they would hold without the others.

use std::collections::BTreeSet;

use nexus_linking::{Fact, Memory, forest::forest, reference::link_all};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::tables::mark;

/// The most that a linker takes at once, as the role does.
const MAX_BATCH: usize = 256;
/// An order is cut at so many random moments, into batches of a few facts and of many.
const CUTS: usize = 15;

/// Forests side by side.
pub struct Wood {
    forests: Vec<Forest>,
    /// What each forest comes to alone, taken together.
    pub reference: Memory,
}

/// Everything about it follows from its seed, with other forests beside it or without.
struct Forest {
    seed: u64,
    facts: Vec<Fact>,
    /// What only its rows hold: its exchanges, and where its calls are looked up.
    names: BTreeSet<String>,
    /// The prefixes of its histories, which others may have, too.
    prefixes: BTreeSet<String>,
}

impl Wood {
    pub async fn grow(seeds: &[u64]) -> Self {
        let mut wood = Self { forests: Vec::new(), reference: Memory::default() };
        for seed in seeds {
            let facts = facts(*seed);
            let alone = link_all(&facts).await;
            wood.forests.push(Forest::new(*seed, facts, &alone));
            add(&mut wood.reference, alone);
        }
        wood
    }

    pub fn facts(&self) -> Vec<Fact> {
        self.forests.iter().flat_map(|forest| &forest.facts).cloned().collect()
    }

    /// The facts of all forests as they come in that order, about a fifth of them twice, in batches.
    pub fn batches(&self, order: u64) -> Vec<Vec<Fact>> {
        let mut random = StdRng::seed_from_u64(order);
        let mut cuts: Vec<u32> = (0..CUTS).map(|_| random.random()).collect();
        cuts.sort_unstable();
        let batch = |moment: u32| cuts.partition_point(|cut| *cut <= moment);
        let mut coming: Vec<_> =
            self.forests.iter().flat_map(|forest| forest.coming(order)).collect();
        coming.sort_by_key(|(moment, _)| *moment);
        let batches = coming.chunk_by(|(one, _), (next, _)| batch(*one) == batch(*next));
        let batches = batches.flat_map(|batch| batch.chunks(MAX_BATCH));
        batches.map(|batch| batch.iter().map(|(_, fact)| (*fact).clone()).collect()).collect()
    }

    /// Fails when there are differences, and names the forests in whose rows they are.
    pub fn check(&self, when: &str, differences: &[String]) {
        let forests: BTreeSet<u64> =
            differences.iter().flat_map(|line| self.owners(line)).collect();
        assert!(
            differences.is_empty(),
            "{when}: forests {forests:?} differ (with NEXUS_FOREST=N one is built and run alone)\n{}",
            differences.join("\n")
        );
    }

    fn owners(&self, line: &str) -> Vec<u64> {
        let holding = |marks: fn(&Forest) -> &BTreeSet<String>| -> Vec<u64> {
            let holds = |forest: &&Forest| marks(forest).iter().any(|mark| line.contains(mark));
            self.forests.iter().filter(holds).map(|forest| forest.seed).collect()
        };
        let named = holding(|forest| &forest.names);
        if named.is_empty() { holding(|forest| &forest.prefixes) } else { named }
    }
}

impl Forest {
    fn new(seed: u64, facts: Vec<Fact>, alone: &Memory) -> Self {
        let exchanges = alone.exchanges.keys().map(|id| mark(id.0.as_bytes()));
        let scopes = alone.results.keys().map(|(scope, _)| mark(&scope.0));
        let names = exchanges.chain(scopes).collect();
        let prefixes = alone.nodes.keys().map(|hash| mark(&hash.0)).collect();
        Self { seed, facts, names, prefixes }
    }

    /// The facts with the moments at which they come in that order.
    fn coming(&self, order: u64) -> Vec<(u32, &Fact)> {
        let mut random = StdRng::seed_from_u64(self.seed << 8 | order);
        let mut coming = Vec::new();
        for fact in &self.facts {
            coming.push((random.random(), fact));
            if random.random_bool(0.2) {
                coming.push((random.random(), fact));
            }
        }
        coming
    }
}

fn facts(seed: u64) -> Vec<Fact> {
    let mut random = StdRng::seed_from_u64(seed);
    let count = random.random_range(4..24);
    let mut facts = forest(&mut random, count);
    for fact in &mut facts {
        set_apart(fact, seed);
    }
    facts
}

/// Domain and session become the forest's own.
fn set_apart(fact: &mut Fact, seed: u64) {
    let Fact::Request(_, request) = fact else { return };
    request.domain.insert_str(0, &format!("{seed}."));
    if let Some(session) = &mut request.session {
        session.insert_str(0, &format!("{seed}."));
    }
}

fn add(all: &mut Memory, one: Memory) {
    all.exchanges.extend(one.exchanges);
    all.nodes.extend(one.nodes);
    all.links.extend(one.links);
    all.calls.extend(one.calls);
    all.results.extend(one.results);
    all.labels.extend(one.labels);
    all.waits.extend(one.waits);
}
