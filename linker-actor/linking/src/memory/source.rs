//! The index in memory as what a cache is filled from, for tests: it says little, so that much is asked again.

use std::convert::Infallible;

use nexus_contract::ExchangeId;

use super::Memory;
use crate::{
    cache::{Crowd, Ends, Pending, Session, Source, Window},
    facts::Moment,
    hash::Hash,
    index::{Exchange, Index as _, MAX_CANDIDATES, Scope},
    link::Link,
};

/// More members than this are a crowd.
const CROWD: usize = 2;

type Result<T> = std::result::Result<T, Infallible>;

impl Source for Memory {
    async fn exchanges(&mut self, ids: &[ExchangeId]) -> Result<Vec<Exchange>> {
        Ok(ids.iter().filter_map(|id| self.exchanges.get(id)).cloned().collect())
    }

    async fn links(&mut self, ids: &[ExchangeId]) -> Result<Vec<Link>> {
        Ok(ids.iter().filter_map(|id| self.links.get(id)).cloned().collect())
    }

    async fn members_at(&mut self, hashes: &[Hash]) -> Result<Ends> {
        Ok(few(hashes, |hash| self.at(*hash).map(|(one, _)| one.clone()).collect()))
    }

    async fn members_in(&mut self, crowd: &Crowd) -> Result<Option<Vec<Exchange>>> {
        let scope = Scope::Domain(crowd.domain.clone());
        let ends = self.at(crowd.current).filter(|(one, _)| Self::in_scope(one, &scope));
        let follows = |one: &Exchange| crowd.follow.is_none() || one.follow == crowd.follow;
        let mut all: Vec<_> = ends.filter(|(one, _)| follows(one)).collect();
        all.sort_by_key(|(_, moment)| std::cmp::Reverse(*moment));
        let (since, before): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, moment)| moment.at >= crowd.since);
        if since.len() > 2 * CROWD {
            return Ok(None);
        }
        let is_nameless =
            |one: &&Exchange| one.request.as_ref().is_some_and(|request| !request.identified);
        let nameless = before.iter().map(|(one, _)| *one).find(is_nameless);
        let newest = before.iter().take(MAX_CANDIDATES).chain(&since).map(|(one, _)| *one);
        Ok(Some(newest.chain(nameless).cloned().collect()))
    }

    async fn members_before(&mut self, follows: &[Hash]) -> Result<Ends> {
        Ok(few(follows, |hash| {
            let members = self.members().map(|(one, _)| one);
            members.filter(|one| one.follow == Some(*hash)).cloned().collect()
        }))
    }

    async fn members_calling(&mut self, calls: &[String]) -> Result<Ends<String>> {
        Ok(few(calls, |call| {
            let members = self.members().map(|(one, _)| one);
            members.filter(|one| one.first_call() == Some(call)).cloned().collect()
        }))
    }

    async fn members_of(&mut self, windows: &[Window]) -> Result<Session> {
        let mut found = Session::default();
        for window in windows {
            let scope = Scope::Session(window.session.clone());
            let all: Vec<_> = self.scoped(&scope).collect();
            if all.len() <= CROWD {
                found.whole.push(window.session.clone());
                found.members.extend(all.into_iter().map(|(one, _)| one.clone()));
                continue;
            }
            let since = all.iter().filter(|(_, moment)| moment.at >= window.since);
            if since.clone().count() > 2 * CROWD {
                found.crowded.push(window.session.clone());
                continue;
            }
            found.members.extend(since.map(|(one, _)| (*one).clone()));
            for agent in &window.agents {
                let newest = all.iter().rev().find(|(one, moment)| {
                    moment.at < window.since
                        && one.request.as_ref().is_some_and(|request| request.agent == *agent)
                });
                found.members.extend(newest.map(|(one, _)| (*one).clone()));
            }
        }
        Ok(found)
    }

    async fn joined_since(&mut self, joints: &[(Hash, i64)]) -> Result<Vec<Link>> {
        let mut found = Vec::new();
        for (hash, since) in joints {
            let links = self.lookups.joints.of(hash).filter_map(|id| self.links.get(id));
            let late = |link: &Link| link.edge.joint.as_ref().is_some_and(|joint| joint.late);
            found.extend(links.filter(|one| one.moment.at >= *since || late(one)).cloned());
        }
        Ok(found)
    }

    async fn waiting_since(&mut self, keys: &[(Hash, i64)]) -> Result<Vec<(Hash, Moment)>> {
        let mut found = Vec::new();
        for (key, since) in keys {
            let waiting = self.lookups.waiting.of(key).filter(|moment| moment.at >= *since);
            found.extend(waiting.map(|moment| (*key, *moment)));
        }
        Ok(found)
    }

    async fn attempts_of(&mut self, steps: &[ExchangeId]) -> Result<Vec<Link>> {
        let ids = steps.iter().flat_map(|step| self.lookups.steps.of(step));
        Ok(ids.filter_map(|id| self.links.get(id)).cloned().collect())
    }

    async fn threads_of(&mut self, message_ids: &[String]) -> Result<Vec<(String, ExchangeId)>> {
        let mut found = Vec::new();
        for message_id in message_ids {
            let ids = self.threads(message_id).await?;
            found.extend(ids.into_iter().map(|id| (message_id.clone(), id)));
        }
        Ok(found)
    }

    async fn calling(&mut self, scopes: &[Hash]) -> Result<Vec<Hash>> {
        let calls = self.calls.keys().map(|(scope, ..)| scope);
        let calling: Vec<_> = calls.chain(self.results.keys().map(|(scope, _)| scope)).collect();
        Ok(scopes.iter().filter(|scope| calling.contains(scope)).copied().collect())
    }

    async fn prompting(&mut self, prompts: &[(Hash, Hash)]) -> Result<Vec<(Hash, Hash)>> {
        let asks = |(scope, prompt): &&(Hash, Hash)| {
            self.calls.values().any(|call| call.scope == *scope && call.prompt == Some(*prompt))
        };
        Ok(prompts.iter().filter(asks).copied().collect())
    }

    async fn holders(&mut self, ids: &[ExchangeId]) -> Result<Vec<ExchangeId>> {
        let taken = self.calls.values().filter_map(|call| call.taken_by);
        let taken: Vec<_> = taken.map(|taker| taker.id).collect();
        Ok(ids.iter().filter(|id| taken.contains(id)).copied().collect())
    }

    async fn write(&mut self, pending: Pending<'_>) -> Result<()> {
        for exchange in pending.exchanges {
            self.replace(exchange);
        }
        // No more than what is promised to be different, as the stores do it.
        for exchange in pending.answers {
            let Some(mut known) = self.exchanges.get(&exchange.id).cloned() else { continue };
            known.answer.clone_from(&exchange.answer);
            known.follow = exchange.follow;
            self.replace(&known);
        }
        for path in pending.paths {
            self.put_path(path).await?;
        }
        for link in pending.links {
            self.replace_link(link);
        }
        for id in pending.waited {
            self.unwait(id);
        }
        for (moment, keys) in pending.waits {
            let waiting: Vec<_> = keys.into_iter().map(|key| (key, moment)).collect();
            self.load_waits(&waiting);
        }
        for (branch, label) in pending.labels {
            self.put_label(branch, label.as_deref()).await?;
        }
        Ok(())
    }
}

/// The members that end at the keys, where they are no crowd.
fn few<K: Clone>(keys: &[K], find: impl Fn(&K) -> Vec<Exchange>) -> Ends<K> {
    let mut ends = Ends { members: Vec::new(), crowded: Vec::new() };
    for key in keys {
        let found = find(key);
        if found.len() > CROWD {
            ends.crowded.push(key.clone());
        } else {
            ends.members.extend(found);
        }
    }
    ends
}
