//! The index in memory: plain scans over ordered maps. It is the double in tests, the reference for
//! the stores, and what `relink` computes in.

mod index;
mod lookups;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use nexus_contract::ExchangeId;

use crate::{
    chain::Node,
    facts::Moment,
    hash::Hash,
    index::{Call, Exchange, Scope},
    link::Link,
    memory::lookups::Lookups,
};

/// Everything the linker stores.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    pub exchanges: BTreeMap<ExchangeId, Exchange>,
    pub nodes: BTreeMap<Hash, Node>,
    pub links: BTreeMap<ExchangeId, Link>,
    /// By scope and id of the tool call.
    pub calls: BTreeMap<(Hash, String, ExchangeId), Call>,
    /// The agent that the result of a call names.
    pub results: BTreeMap<(Hash, String), String>,
    /// Names of branches other than `main`.
    pub labels: BTreeMap<ExchangeId, String>,
    pub waits: BTreeMap<ExchangeId, BTreeSet<Hash>>,
    /// For speed only.
    lookups: Lookups,
}

impl Memory {
    fn members(&self) -> impl Iterator<Item = (&Exchange, Moment)> {
        self.exchanges.values().filter_map(|exchange| {
            let request = exchange.request.as_ref()?;
            request.member.then_some((exchange, request.moment))
        })
    }

    pub(crate) fn in_scope(exchange: &Exchange, scope: &Scope) -> bool {
        let Some(request) = &exchange.request else { return false };
        match scope {
            Scope::Agent { session, agent } => {
                request.session.as_ref() == Some(session) && request.agent == *agent
            }
            Scope::Session(session) => request.session.as_ref() == Some(session),
            Scope::Domain(domain) => request.domain == *domain,
        }
    }

    /// Members that end at `hash`.
    fn at(&self, hash: Hash) -> impl Iterator<Item = (&Exchange, Moment)> {
        let ids = self.lookups.ends.of(&hash);
        ids.filter_map(|id| {
            let exchange = self.exchanges.get(id)?;
            let request = exchange.request.as_ref()?;
            request.member.then_some((exchange, request.moment))
        })
    }

    /// Members of the scope, earliest first where it names a session.
    fn scoped<'a>(
        &'a self,
        scope: &'a Scope,
    ) -> Box<dyn Iterator<Item = (&'a Exchange, Moment)> + 'a> {
        let (Scope::Agent { session, .. } | Scope::Session(session)) = scope else {
            return Box::new(self.members().filter(|(one, _)| Self::in_scope(one, scope)));
        };
        let moments = self.lookups.sessions.of(session.as_str());
        let members = moments.filter_map(|at| Some((self.exchanges.get(&at.id)?, *at)));
        Box::new(members.filter(|(one, _)| Self::in_scope(one, scope)))
    }

    /// Puts the link in place of the one that its exchange had.
    pub(crate) fn replace_link(&mut self, link: &Link) {
        let id = link.moment.id;
        let before = self.links.insert(id, link.clone());
        let lookups = &mut self.lookups;
        let parent = |link: &Link| link.edge.parent;
        let joint = |link: &Link| link.edge.joint.as_ref().map(|joint| joint.hash);
        lookups.kin.replace(before.as_ref().and_then(parent), parent(link), id);
        lookups.joints.replace(before.as_ref().and_then(joint), joint(link), id);
        lookups.steps.replace(before.map(|link| link.step), Some(link.step), id);
    }

    /// Takes a path of prefixes in, longest last, that is known to have come whole or not at all.
    pub(crate) fn replace_path(&mut self, nodes: &[Node]) {
        for node in nodes.iter().rev() {
            if self.nodes.contains_key(&node.hash) {
                break;
            }
            self.lookups.follows.add(Some(node.predecessor), node.hash);
            self.nodes.insert(node.hash, node.clone());
        }
    }

    pub(crate) fn load_waits(&mut self, waiting: &[(Hash, Moment)]) {
        for (key, moment) in waiting {
            self.lookups.waiting.add(Some(*key), *moment);
            self.waits.entry(moment.id).or_default().insert(*key);
        }
    }

    /// Forgets what the exchange waits for.
    fn unwait(&mut self, id: ExchangeId) {
        let Some(moment) = self.links.get(&id).map(|link| link.moment) else { return };
        for key in self.waits.remove(&id).into_iter().flatten() {
            self.lookups.waiting.remove(&key, &moment);
        }
    }

    /// Whether a member of the scope ends at the hash.
    pub(crate) fn ends_in(&self, hash: Hash, scope: &Scope) -> bool {
        self.at(hash).any(|(one, _)| Self::in_scope(one, scope))
    }

    /// The attempts of the steps.
    pub(crate) fn attempts_of(&self, steps: &BTreeSet<ExchangeId>) -> BTreeSet<ExchangeId> {
        steps.iter().flat_map(|step| self.lookups.steps.of(step)).copied().collect()
    }

    /// Puts the exchange in place of what was known of it.
    pub(crate) fn replace(&mut self, exchange: &Exchange) {
        let id = exchange.id;
        let before = self.exchanges.insert(id, exchange.clone());
        let end = |one: &Exchange| one.place.map(|place| place.current);
        self.lookups.ends.replace(before.as_ref().and_then(end), end(exchange), id);
        let was_known = before.is_some_and(|before| before.request.is_some());
        let request = exchange.request.as_ref().filter(|request| request.member && !was_known);
        let Some(request) = request else { return };
        self.lookups.sessions.add(request.session.clone(), request.moment);
        self.lookups.threads.add(request.thread.clone(), id);
    }
}
