use std::convert::Infallible;

use nexus_contract::ExchangeId;

use super::Memory;
use crate::{
    chain::Node,
    facts::Moment,
    hash::Hash,
    index::{Call, Candidates, Exchange, Index, MAX_CANDIDATES, Path, Scope},
    label::Branch,
    link::{Link, LinkKind, Tier},
};

type Result<T> = std::result::Result<T, Infallible>;

impl Index for Memory {
    type Error = Infallible;

    async fn find(&mut self, id: ExchangeId) -> Result<Option<Exchange>> {
        Ok(self.exchanges.get(&id).cloned())
    }

    async fn put(&mut self, exchange: &Exchange) -> Result<()> {
        self.replace(exchange);
        Ok(())
    }

    async fn known_nodes(&mut self, hashes: &[Hash]) -> Result<Vec<Hash>> {
        Ok(hashes.iter().filter(|hash| self.nodes.contains_key(hash)).copied().collect())
    }

    async fn put_path(&mut self, path: &Path) -> Result<()> {
        for node in &path.new {
            self.lookups.follows.add(Some(node.predecessor), node.hash);
            self.nodes.entry(node.hash).or_insert_with(|| node.clone());
        }
        Ok(())
    }

    async fn drop_nodes(&mut self, last: Hash) -> Result<()> {
        let mut last = last;
        while let Some(node) = self.nodes.get(&last).cloned() {
            let is_end = self.lookups.ends.of(&last).next().is_some();
            if is_end || self.lookups.follows.of(&last).next().is_some() {
                break;
            }
            self.nodes.remove(&last);
            self.lookups.follows.remove(&node.predecessor, &last);
            last = node.predecessor;
        }
        Ok(())
    }

    async fn climb(&mut self, last: Hash, max: u32) -> Result<Vec<Node>> {
        let mut found = Vec::new();
        let mut last = last;
        while let Some(node) = self.nodes.get(&last).filter(|_| found.len() < max as usize) {
            last = node.predecessor;
            found.push(node.clone());
        }
        Ok(found)
    }

    async fn ending(&mut self, hashes: &[Hash], scope: &Scope) -> Result<Vec<Hash>> {
        let ends = |hash: &&Hash| self.ends_in(**hash, scope);
        Ok(hashes.iter().filter(ends).copied().collect())
    }

    async fn candidates(&mut self, wanted: &Candidates) -> Result<Vec<Exchange>> {
        let mut all: Vec<_> =
            self.at(wanted.current).filter(|(one, _)| Self::in_scope(one, &wanted.scope)).collect();
        all.sort_by_key(|(_, moment)| *moment);
        let (before, after): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, moment)| *moment < wanted.child);
        let newest = || before.iter().rev().copied();
        let (reply, call) = (wanted.reply.hash, wanted.reply.call.as_ref());
        let follows = newest().filter(|(one, _)| reply.is_some() && one.follow == reply);
        let calls = newest().filter(|(one, _)| call.is_some() && one.first_call() == call);
        let mut chosen = first(follows);
        for one in first(calls) {
            if chosen.iter().all(|known| known.id != one.id) {
                chosen.push(one);
            }
        }
        if chosen.is_empty() {
            chosen = first(newest());
        }
        if chosen.is_empty() {
            chosen = first(after.into_iter());
        }
        Ok(chosen)
    }

    async fn is_shared(&mut self, current: Hash, scope: &Scope, id: ExchangeId) -> Result<bool> {
        Ok(self.at(current).any(|(one, _)| one.id != id && Self::in_scope(one, scope)))
    }

    async fn equal(
        &mut self,
        current: Hash,
        scope: &Scope,
        identified: bool,
        moment: Moment,
        after: bool,
    ) -> Result<Option<Exchange>> {
        let same = self.at(current).filter(|(one, _)| {
            Self::in_scope(one, scope)
                && one.request.as_ref().is_some_and(|request| request.identified == identified)
        });
        let chosen = if after {
            same.filter(|(_, at)| *at > moment).min_by_key(|(_, at)| *at)
        } else {
            same.filter(|(_, at)| *at < moment).max_by_key(|(_, at)| *at)
        };
        Ok(chosen.map(|(one, _)| one.clone()))
    }

    async fn newest(
        &mut self,
        scope: &Scope,
        before: Moment,
        summaries: bool,
    ) -> Result<Option<Exchange>> {
        let in_scope = self.scoped(scope).filter(|(_, at)| *at < before);
        let fitting = in_scope.filter(|(one, _)| {
            let asked = one.request.as_ref().is_some_and(|request| request.summarises);
            !summaries || (asked && one.is_complete())
        });
        Ok(fitting.max_by_key(|(_, at)| *at).map(|(one, _)| one.clone()))
    }

    async fn summaries(
        &mut self,
        scope: &Scope,
        probes: &[Hash],
        before: Moment,
    ) -> Result<Vec<Exchange>> {
        let mut found: Vec<_> = self
            .scoped(scope)
            .filter(|(_, at)| *at < before)
            .filter(|(one, _)| one.summary().is_some_and(|probe| probes.contains(&probe)))
            .collect();
        found.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
        Ok(found.into_iter().take(MAX_CANDIDATES).map(|(one, _)| one.clone()).collect())
    }

    async fn answering(
        &mut self,
        scope: &Scope,
        message_id: &str,
        child: Moment,
    ) -> Result<Option<Exchange>> {
        let answering = self.scoped(scope).filter(|(_, at)| *at < child).filter(|(one, _)| {
            one.answer.as_ref().is_some_and(|a| a.message_id.as_deref() == Some(message_id))
        });
        Ok(answering.max_by_key(|(_, at)| *at).map(|(one, _)| one.clone()))
    }

    async fn threads(&mut self, message_id: &str) -> Result<Vec<ExchangeId>> {
        Ok(self.lookups.threads.of(message_id).copied().collect())
    }

    async fn find_link(&mut self, id: ExchangeId) -> Result<Option<Link>> {
        Ok(self.links.get(&id).cloned())
    }

    async fn put_link(&mut self, link: &Link, waits: &[Hash]) -> Result<()> {
        self.replace_link(link);
        self.unwait(link.moment.id);
        let waiting: Vec<_> = waits.iter().map(|key| (*key, link.moment)).collect();
        self.load_waits(&waiting);
        Ok(())
    }

    async fn put_place(&mut self, link: &Link) -> Result<()> {
        self.replace_link(link);
        Ok(())
    }

    async fn joined(
        &mut self,
        joint: Hash,
        domain: &str,
        session: Option<&str>,
        after: Moment,
    ) -> Result<Vec<Moment>> {
        let mut found = Vec::new();
        for id in self.lookups.joints.of(&joint) {
            let Some(link) = self.links.get(id) else { continue };
            let Some(stands) = &link.edge.joint else { continue };
            let near = self.exchanges.get(&link.moment.id).and_then(|one| one.request.as_ref());
            let near = near.is_some_and(|request| {
                request.domain == domain
                    || (session.is_some() && request.session.as_deref() == session)
            });
            if near && (link.moment > after || stands.late) {
                found.push(link.moment);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    async fn below(&mut self, hash: Hash, domain: &str) -> Result<Vec<Moment>> {
        let scope = Scope::Domain(domain.to_owned());
        let mut open: Vec<Hash> = self.lookups.follows.of(&hash).copied().collect();
        let mut found = Vec::new();
        while let Some(hash) = open.pop() {
            let ends: Vec<_> =
                self.at(hash).filter(|(one, _)| Self::in_scope(one, &scope)).collect();
            if ends.is_empty() {
                open.extend(self.lookups.follows.of(&hash));
            }
            found.extend(ends.into_iter().map(|(_, moment)| moment));
        }
        found.sort_unstable();
        Ok(found)
    }

    async fn longer(&mut self, session: &str, length: u32) -> Result<Vec<Moment>> {
        let scope = Scope::Session(session.to_owned());
        let mut found = Vec::new();
        for (one, moment) in self.scoped(&scope) {
            let longer = one.place.is_some_and(|place| place.length > length);
            let joint = self.links.get(&one.id).and_then(|link| link.edge.joint.as_ref());
            let settled = joint.is_some_and(|j| j.tier == Tier::Agent && j.length >= length);
            if longer && !settled {
                found.push(moment);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    async fn heads(&mut self, session: &str, after: Moment) -> Result<Vec<Moment>> {
        let scope = Scope::Session(session.to_owned());
        let later = self.scoped(&scope).filter(|(_, moment)| *moment > after);
        let heads = later.filter(|(one, _)| self.links.get(&one.id).is_some_and(|l| l.edge.head));
        Ok(heads.map(|(_, moment)| moment).collect())
    }

    async fn waiting(&mut self, key: Hash, after: Moment) -> Result<Vec<Moment>> {
        let waiting = self.lookups.waiting.of(&key).copied();
        Ok(waiting.filter(|moment| *moment > after).collect())
    }

    async fn children(&mut self, parents: &[ExchangeId]) -> Result<Vec<Link>> {
        let ids = parents.iter().flat_map(|parent| self.lookups.kin.of(parent));
        let mut found: Vec<_> = ids.filter_map(|id| self.links.get(id)).cloned().collect();
        found.sort_by_key(|link| link.moment);
        Ok(found)
    }

    async fn attempts(&mut self, step: ExchangeId) -> Result<Vec<Link>> {
        let attempts = self.lookups.steps.of(&step).filter_map(|id| self.links.get(id));
        let mut found: Vec<_> = attempts.cloned().collect();
        found.sort_by_key(|link| link.moment);
        Ok(found)
    }

    async fn branches(
        &mut self,
        conversation: ExchangeId,
    ) -> Result<Vec<(Branch, Option<String>)>> {
        let opened = self.links.values().filter(|link| {
            link.conversation == Some(conversation) && link.branch == Some(link.moment.id)
        });
        let branches = opened.map(|link| {
            let caller = link.edge.parent.and_then(|parent| self.links.get(&parent));
            let caller = caller.filter(|_| link.edge.kind == LinkKind::Subagent);
            let branch = Branch {
                opened: link.moment,
                kind: link.edge.kind,
                spawned: caller.map(|caller| (caller.moment, link.edge.task_position())),
            };
            (branch, self.labels.get(&link.moment.id).cloned())
        });
        Ok(branches.collect())
    }

    async fn put_label(&mut self, branch: ExchangeId, label: Option<&str>) -> Result<()> {
        match label {
            Some(label) => self.labels.insert(branch, label.to_owned()),
            None => self.labels.remove(&branch),
        };
        Ok(())
    }

    async fn on_branch(&mut self, branch: ExchangeId) -> Result<Vec<ExchangeId>> {
        let on = self.links.values().filter(|link| link.branch == Some(branch));
        Ok(on.map(|link| link.moment.id).collect())
    }

    async fn find_call(
        &mut self,
        scope: Hash,
        tool_use_id: &str,
        caller: Moment,
    ) -> Result<Option<Call>> {
        Ok(self.calls.get(&(scope, tool_use_id.to_owned(), caller.id)).cloned())
    }

    async fn put_call(&mut self, call: &Call) -> Result<()> {
        let key = (call.scope, call.tool_use_id.clone(), call.caller.id);
        self.calls.insert(key, call.clone());
        Ok(())
    }

    async fn put_result(
        &mut self,
        scope: Hash,
        tool_use_id: &str,
        agent: &str,
    ) -> Result<Vec<Call>> {
        let key = (scope, tool_use_id.to_owned());
        let known = self.results.entry(key).or_insert_with(|| agent.to_owned());
        if agent < known.as_str() {
            agent.clone_into(known);
        }
        let calls = self.calls.values();
        let named = calls.filter(|call| call.scope == scope && call.tool_use_id == tool_use_id);
        Ok(named.cloned().collect())
    }

    async fn named_by(&mut self, scope: Hash, tool_use_id: &str) -> Result<Option<String>> {
        Ok(self.results.get(&(scope, tool_use_id.to_owned())).cloned())
    }

    async fn call_of(&mut self, scope: Hash, agent: &str) -> Result<Option<Call>> {
        let named = self
            .calls
            .values()
            .filter(|call| call.scope == scope && call.names.as_deref() == Some(agent));
        Ok(named.min_by_key(|call| (call.caller, call.position)).cloned())
    }

    async fn open_calls(
        &mut self,
        scope: Hash,
        prompts: Option<&[Hash]>,
        child: Moment,
    ) -> Result<Vec<Call>> {
        let open = |call: &&Call| {
            call.scope == scope
                && call.is_open_for(child)
                && prompts
                    .is_none_or(|wanted| call.prompt.is_some_and(|prompt| wanted.contains(&prompt)))
        };
        let mut found: Vec<_> = self.calls.values().filter(open).cloned().collect();
        found.sort_by_key(|call| std::cmp::Reverse(call.rank()));
        found.truncate(MAX_CANDIDATES);
        Ok(found)
    }

    async fn held_by(&mut self, child: ExchangeId) -> Result<Option<Call>> {
        let mut held = self.calls.values().filter(|c| c.taken_by.is_some_and(|by| by.id == child));
        Ok(held.next().cloned())
    }
}

/// The first of a list of candidates.
fn first<'a>(list: impl Iterator<Item = (&'a Exchange, Moment)>) -> Vec<Exchange> {
    list.take(MAX_CANDIDATES).map(|(one, _)| one.clone()).collect()
}
