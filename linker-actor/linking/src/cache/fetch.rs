//! What a batch is going to look up, for all its facts at once.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::Hash as Key,
};

use nexus_contract::ExchangeId;

use super::{Cache, Source, Window};
use crate::{
    chain::{self, Node},
    decide,
    facts::{Fact, Moment, RequestFacts},
    hash::Hash,
};

/// A member that the batch brings, or brings the answer of.
pub(super) struct Subject {
    pub moment: Moment,
    pub domain: String,
    pub session: Option<String>,
    pub agent: Option<String>,
    /// Its history; empty where that was stored before, or where a thread begins elsewhere.
    pub nodes: Vec<Node>,
    /// How many of `nodes` the source has.
    pub known: usize,
    /// The end of its history.
    pub current: Option<Hash>,
    /// What it may have been asked with; for new ones.
    openings: Vec<Hash>,
}

impl Subject {
    fn new(request: &RequestFacts, current: Option<Hash>) -> Self {
        Self {
            moment: request.moment,
            domain: request.domain.clone(),
            session: request.session.clone(),
            agent: request.agent.clone(),
            nodes: Vec::new(),
            known: 0,
            current,
            openings: Vec::new(),
        }
    }

    fn of_request(request: &RequestFacts) -> Self {
        let nodes = if request.thread.is_none() {
            chain::extend(Hash::START, 0, &request.blocks)
        } else {
            Vec::new()
        };
        let current = nodes.last().map(|node| node.hash);
        Self { nodes, openings: request.openings.clone(), ..Self::new(request, current) }
    }

    fn calls(&self) -> Hash {
        decide::call_scope(self.session.as_deref(), &self.domain)
    }
}

impl<S: Source> Cache<S> {
    /// Fetches what [`ingest`](crate::ingest::ingest) of these facts asks for first.
    pub async fn fetch(&mut self, facts: &[Fact]) -> Result<(), S::Error> {
        self.fetch_exchanges(facts).await?;
        let mut subjects = self.subjects(facts);
        self.fetch_prefixes(&mut subjects).await?;
        self.fetch_sessions(&subjects).await?;
        self.fetch_ends(&subjects).await?;
        self.fetch_joints(&subjects).await?;
        self.fetch_waits(facts).await?;
        self.fetch_threads(facts).await?;
        self.fetch_calls(&subjects).await?;
        self.fetch_links(&subjects).await
    }

    async fn fetch_exchanges(&mut self, facts: &[Fact]) -> Result<(), S::Error> {
        let ids: BTreeSet<_> = facts.iter().map(Fact::id).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let found = self.source.exchanges(&ids).await?;
        self.load(found);
        for id in ids {
            if !self.table.exchanges.contains_key(&id) {
                self.cover.absent(id);
            }
        }
        Ok(())
    }

    fn subjects(&self, facts: &[Fact]) -> Vec<Subject> {
        let mut subjects = BTreeMap::new();
        for fact in facts {
            let id = fact.id();
            let known = self.table.exchanges.get(&id);
            let known = known.and_then(|one| Some((one.request.as_ref()?, one.place)));
            match (fact, known) {
                (Fact::Request(_, request), None) if request.member => {
                    subjects.entry(id).or_insert_with(|| Subject::of_request(request));
                }
                (Fact::Answer(..), Some((request, place))) if request.member => {
                    let current = place.map(|place| place.current);
                    subjects.entry(id).or_insert_with(|| Subject::new(request, current));
                }
                _ => {}
            }
        }
        subjects.into_values().collect()
    }

    /// How much of each history is in the trie: the end is looked at first, since a turn adds little.
    async fn fetch_prefixes(&mut self, subjects: &mut [Subject]) -> Result<(), S::Error> {
        let mut tails: HashSet<Hash> = HashSet::new();
        for subject in subjects.iter() {
            tails.extend(subject.nodes.iter().rev().take(TAIL).map(|node| node.hash));
        }
        let mut known = self.known(tails).await?;
        let mut searches: Vec<Search> =
            subjects.iter().map(|one| Search::new(one, &known)).collect();
        while searches.iter().any(|search| search.low < search.high) {
            let middles = searches.iter().zip(subjects.iter());
            let middles = middles.filter_map(|(search, one)| search.middle(one)).collect();
            known.extend(self.known(middles).await?);
            for (search, one) in searches.iter_mut().zip(subjects.iter()) {
                search.narrow(one, &known);
            }
        }
        for (search, subject) in searches.into_iter().zip(subjects) {
            subject.known = search.low;
            let (stored, fresh) = subject.nodes.split_at(search.low);
            self.cover.fresh.extend(fresh.iter().map(|node| node.hash));
            self.table.replace_path(stored);
        }
        Ok(())
    }

    async fn known(&mut self, hashes: HashSet<Hash>) -> Result<HashSet<Hash>, S::Error> {
        let hashes: Vec<_> = hashes.into_iter().collect();
        Ok(self.source.known_nodes(&hashes).await?.into_iter().collect())
    }

    async fn fetch_sessions(&mut self, subjects: &[Subject]) -> Result<(), S::Error> {
        let mut windows: BTreeMap<&str, Window> = BTreeMap::new();
        for subject in subjects {
            let Some(session) = &subject.session else { continue };
            let at = subject.moment.at;
            let window = windows.entry(session).or_insert_with(|| Window {
                session: session.clone(),
                since: at,
                agents: Vec::new(),
            });
            window.since = window.since.min(at);
            if !window.agents.contains(&subject.agent) {
                window.agents.push(subject.agent.clone());
            }
        }
        let windows: Vec<_> = windows.into_values().collect();
        if windows.is_empty() {
            return Ok(());
        }
        let found = self.source.members_of(&windows).await?;
        self.load(found.members);
        for window in windows.into_iter().filter(|one| !found.crowded.contains(&one.session)) {
            let whole = found.whole.contains(&window.session);
            self.cover.session(window, whole);
        }
        Ok(())
    }

    async fn fetch_joints(&mut self, subjects: &[Subject]) -> Result<(), S::Error> {
        let mut joints: HashMap<Hash, i64> = HashMap::new();
        for subject in subjects {
            let stored = subject.current.filter(|hash| !self.cover.fresh.contains(hash));
            if let Some(hash) = stored {
                earliest(&mut joints, hash, subject.moment.at);
            }
        }
        if joints.is_empty() {
            return Ok(());
        }
        let found = self.source.joined_since(&pairs(&joints)).await?;
        let ids: Vec<_> = found.iter().map(|link| link.moment.id).collect();
        self.load_links(found);
        // Whether they are near is in their facts.
        self.fetch_known(&ids).await?;
        self.cover.joints.extend(joints);
        Ok(())
    }

    async fn fetch_known(&mut self, ids: &[ExchangeId]) -> Result<(), S::Error> {
        let missing = |id: &&ExchangeId| !self.table.exchanges.contains_key(*id);
        let missing: Vec<_> = ids.iter().filter(missing).copied().collect();
        if !missing.is_empty() {
            let found = self.source.exchanges(&missing).await?;
            self.load(found);
        }
        Ok(())
    }

    async fn fetch_waits(&mut self, facts: &[Fact]) -> Result<(), S::Error> {
        let mut keys = HashMap::from([(decide::rejected_key(), i64::MIN)]);
        for fact in facts {
            let Fact::Answer(id, answer) = fact else { continue };
            let at = self.moment(*id, facts);
            for probe in [answer.summary, answer.plain_summary].into_iter().flatten() {
                earliest(&mut keys, decide::summary_key(probe), at);
            }
        }
        let found = self.source.waiting_since(&pairs(&keys)).await?;
        self.table.load_waits(&found);
        self.cover.waits.extend(keys);
        Ok(())
    }

    /// When the exchange began; the beginning of time where that is not known.
    fn moment(&self, id: ExchangeId, facts: &[Fact]) -> i64 {
        let known = self.table.exchanges.get(&id).and_then(crate::Exchange::moment);
        let told = || {
            facts.iter().find_map(|fact| match fact {
                Fact::Request(other, request) if *other == id => Some(request.moment),
                _ => None,
            })
        };
        known.or_else(told).map_or(i64::MIN, |moment| moment.at)
    }

    async fn fetch_threads(&mut self, facts: &[Fact]) -> Result<(), S::Error> {
        let answers = facts.iter().filter_map(|fact| match fact {
            Fact::Answer(_, answer) => answer.message_id.clone(),
            Fact::Request(..) => None,
        });
        let wanted: BTreeSet<_> = answers.collect();
        let wanted: Vec<_> = wanted.into_iter().collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let found = self.source.threads_of(&wanted).await?;
        let ids: Vec<_> = found.into_iter().map(|(_, id)| id).collect();
        self.fetch_known(&ids).await?;
        self.cover.threads.extend(wanted);
        Ok(())
    }

    async fn fetch_calls(&mut self, subjects: &[Subject]) -> Result<(), S::Error> {
        let scopes: BTreeSet<_> = subjects.iter().map(Subject::calls).collect();
        let scopes: Vec<_> = scopes.into_iter().collect();
        let calling =
            if scopes.is_empty() { Vec::new() } else { self.source.calling(&scopes).await? };
        self.cover.scopes.extend(scopes.iter().map(|scope| (*scope, calling.contains(scope))));
        let mut prompts: BTreeSet<(Hash, Hash)> = BTreeSet::new();
        for subject in subjects.iter().filter(|one| calling.contains(&one.calls())) {
            prompts.extend(subject.openings.iter().map(|prompt| (subject.calls(), *prompt)));
        }
        let prompts: Vec<_> = prompts.into_iter().collect();
        if !prompts.is_empty() {
            let found: HashSet<_> = self.source.prompting(&prompts).await?.into_iter().collect();
            self.cover.prompts.extend(prompts.iter().map(|one| (*one, found.contains(one))));
        }
        let old = subjects.iter().map(|one| one.moment.id).filter(|id| !self.cover.is_new(*id));
        let old: Vec<_> = old.collect();
        if !old.is_empty() {
            let holders = self.source.holders(&old).await?;
            self.cover.free.extend(old.into_iter().filter(|id| !holders.contains(id)));
        }
        Ok(())
    }

    /// The links of all exchanges that are known, and the children of those that the batch is about.
    async fn fetch_links(&mut self, subjects: &[Subject]) -> Result<(), S::Error> {
        let ids = self.table.exchanges.keys().filter(|id| !self.cover.has_link(**id));
        let ids: Vec<_> = ids.copied().collect();
        self.fetch_links_of(&ids).await?;
        self.fetch_children(subjects.iter().map(|one| one.moment.id).collect()).await
    }

    pub(super) async fn fetch_links_of(&mut self, ids: &[ExchangeId]) -> Result<(), S::Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let found = self.source.links(ids).await?;
        self.load_links(found);
        self.cover.links.extend(ids);
        Ok(())
    }
}

/// Blocks at the end of a history that are looked at first.
const TAIL: usize = 16;

/// A binary search for the first prefix that is not stored: below `low` all are, from `high` on none.
struct Search {
    low: usize,
    high: usize,
}

impl Search {
    fn new(subject: &Subject, known: &HashSet<Hash>) -> Self {
        let nodes = &subject.nodes;
        let near = nodes.len().saturating_sub(TAIL);
        let stored = nodes[near..].iter().take_while(|node| known.contains(&node.hash)).count();
        if stored == 0 && near > 0 {
            Self { low: 0, high: near }
        } else {
            Self { low: near + stored, high: near + stored }
        }
    }

    fn middle(&self, subject: &Subject) -> Option<Hash> {
        let middle = usize::midpoint(self.low, self.high);
        (self.low < self.high).then(|| subject.nodes[middle].hash)
    }

    fn narrow(&mut self, subject: &Subject, known: &HashSet<Hash>) {
        let Some(hash) = self.middle(subject) else { return };
        let middle = usize::midpoint(self.low, self.high);
        if known.contains(&hash) {
            self.low = middle + 1;
        } else {
            self.high = middle;
        }
    }
}

pub(super) fn earliest<K: Key + Eq>(keys: &mut HashMap<K, i64>, key: K, at: i64) {
    let since = keys.entry(key).or_insert(at);
    *since = at.min(*since);
}

fn pairs(keys: &HashMap<Hash, i64>) -> Vec<(Hash, i64)> {
    keys.iter().map(|(key, at)| (*key, *at)).collect()
}
