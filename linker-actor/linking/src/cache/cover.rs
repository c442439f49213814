//! For which keys the rows in memory are all there are.

use std::collections::{BTreeSet, HashMap, HashSet};

use nexus_contract::ExchangeId;

use super::{Crowd, Window};
use crate::{
    facts::Moment,
    hash::Hash,
    index::{Candidates, Scope},
};

#[derive(Debug, Default)]
pub(super) struct Cover {
    /// Exchanges of which the source knew nothing: no facts, no link, and nothing that stands on them.
    absent: HashSet<ExchangeId>,
    /// Those of them that have a link there by now.
    written: HashSet<ExchangeId>,
    /// Exchanges whose link was asked for.
    pub links: HashSet<ExchangeId>,
    /// Prefixes that the source did not have.
    pub fresh: HashSet<Hash>,
    /// Hashes all of whose members are known.
    pub ends: HashSet<Hash>,
    /// Crowds by where they end, what follows there, and domain, from when on.
    crowds: HashMap<(Hash, Option<Hash>), HashMap<String, i64>>,
    /// Hashes of a history with its answer, and first calls, all of whose members are known.
    pub follows: HashSet<Hash>,
    pub calls: HashSet<String>,
    sessions: HashMap<String, Part>,
    /// Joints and waiting keys, from when on.
    pub joints: HashMap<Hash, i64>,
    pub waits: HashMap<Hash, i64>,
    pub threads: HashSet<String>,
    /// Exchanges all of whose children, steps all of whose attempts are known.
    pub kin: HashSet<ExchangeId>,
    pub steps: HashSet<ExchangeId>,
    /// Whether there are calls.
    pub scopes: HashMap<Hash, bool>,
    pub prompts: HashMap<(Hash, Hash), bool>,
    /// Exchanges that hold no call; those that took one since.
    pub free: HashSet<ExchangeId>,
    holders: HashSet<ExchangeId>,
}

/// How much of a session is known.
#[derive(Debug)]
enum Part {
    All,
    Since { at: i64, agents: HashSet<Option<String>> },
}

impl Cover {
    pub fn absent(&mut self, id: ExchangeId) {
        self.absent.insert(id);
    }

    /// Links were written.
    pub fn present(&mut self, ids: &BTreeSet<ExchangeId>) {
        self.written.extend(ids);
    }

    /// Nothing of the exchange is in the source.
    pub fn is_absent(&self, id: ExchangeId) -> bool {
        self.absent.contains(&id) && !self.written.contains(&id)
    }

    /// Nothing of the exchange was in the source, so all of it is in memory.
    pub fn is_new(&self, id: ExchangeId) -> bool {
        self.absent.contains(&id)
    }

    pub fn session(&mut self, window: Window, whole: bool) {
        let part = if whole {
            Part::All
        } else {
            Part::Since { at: window.since, agents: window.agents.into_iter().collect() }
        };
        self.sessions.insert(window.session, part);
    }

    /// All members of the session are known.
    pub fn has_session(&self, session: &str) -> bool {
        matches!(self.sessions.get(session), Some(Part::All))
    }

    /// All its members from the moment on are known.
    pub fn has_later(&self, session: &str, moment: Moment) -> bool {
        match self.sessions.get(session) {
            Some(Part::All) => true,
            Some(Part::Since { at, .. }) => moment.at >= *at,
            None => false,
        }
    }

    /// The newest member of the scope before the moment is known.
    pub fn has_newest(&self, scope: &Scope, before: Moment) -> bool {
        let Scope::Agent { session, agent } = scope else { return self.has_scope(scope) };
        match self.sessions.get(session) {
            Some(Part::All) => true,
            Some(Part::Since { at, agents }) => before.at >= *at && agents.contains(agent),
            None => false,
        }
    }

    /// All members of the scope are known.
    pub fn has_scope(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Agent { session, .. } | Scope::Session(session) => self.has_session(session),
            Scope::Domain(_) => false,
        }
    }

    /// All members of the scope that end at the hash are known.
    pub fn has_ends(&self, hash: Hash, scope: &Scope) -> bool {
        self.fresh.contains(&hash) || self.ends.contains(&hash) || self.has_scope(scope)
    }

    pub fn crowd(&mut self, crowd: Crowd) {
        let domains = self.crowds.entry((crowd.current, crowd.follow)).or_default();
        domains.insert(crowd.domain, crowd.since);
    }

    fn crowd_since(&self, hash: Hash, follow: Option<Hash>, scope: &Scope) -> Option<i64> {
        let Scope::Domain(domain) = scope else { return None };
        self.crowds.get(&(hash, follow))?.get(domain).copied()
    }

    /// Whether one member or several of the scope end at the hash is known.
    pub fn knows_whether(&self, hash: Hash, scope: &Scope) -> bool {
        self.has_ends(hash, scope) || self.crowd_since(hash, None, scope).is_some()
    }

    /// The members that [`equal`](crate::Index::equal) chooses from are known.
    pub fn has_equal(&self, hash: Hash, scope: &Scope, identified: bool, moment: Moment) -> bool {
        let is_in_crowd = || self.crowd_since(hash, None, scope).is_some_and(|at| moment.at >= at);
        self.has_ends(hash, scope) || !identified && is_in_crowd()
    }

    /// The members that [`candidates`](crate::Index::candidates) chooses from are known.
    pub fn has_candidates(&self, wanted: &Candidates) -> bool {
        let (hash, scope, reply) = (wanted.current, &wanted.scope, &wanted.reply);
        let is_in_crowd =
            |follow| self.crowd_since(hash, follow, scope).is_some_and(|at| wanted.child.at >= at);
        let has_follow = |follow: Hash| self.follows.contains(&follow) || is_in_crowd(Some(follow));
        self.has_ends(hash, scope)
            || is_in_crowd(None)
                && reply.hash.is_none_or(has_follow)
                && reply.call.as_ref().is_none_or(|call| self.calls.contains(call))
    }

    pub fn has_joined(&self, hash: Hash, after: Moment) -> bool {
        self.fresh.contains(&hash) || self.joints.get(&hash).is_some_and(|at| after.at >= *at)
    }

    pub fn has_waiting(&self, key: Hash, after: Moment) -> bool {
        self.waits.get(&key).is_some_and(|at| after.at >= *at)
    }

    pub fn has_link(&self, id: ExchangeId) -> bool {
        self.is_new(id) || self.links.contains(&id)
    }

    pub fn has_children(&self, id: ExchangeId) -> bool {
        self.is_new(id) || self.kin.contains(&id)
    }

    pub fn has_attempts(&self, step: ExchangeId) -> bool {
        self.is_new(step) || self.steps.contains(&step)
    }

    /// The exchange takes a call.
    pub fn take(&mut self, taker: ExchangeId) {
        self.holders.insert(taker);
    }

    pub fn holds_nothing(&self, id: ExchangeId) -> bool {
        !self.holders.contains(&id) && (self.is_new(id) || self.free.contains(&id))
    }

    /// There is no call and no result in the scope.
    pub fn is_silent(&self, scope: Hash) -> bool {
        self.scopes.get(&scope) == Some(&false)
    }

    /// No call of the scope has the prompt.
    pub fn is_unasked(&self, scope: Hash, prompt: Hash) -> bool {
        self.is_silent(scope) || self.prompts.get(&(scope, prompt)) == Some(&false)
    }
}
