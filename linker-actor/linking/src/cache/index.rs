use nexus_contract::ExchangeId;

use super::{Cache, Source};
use crate::{
    chain::Node,
    facts::Moment,
    hash::Hash,
    index::{Call, Candidates, Exchange, Index, Path, Scope},
    label::Branch,
    link::Link,
};

impl<S: Source> Index for Cache<S> {
    type Error = S::Error;

    async fn find(&mut self, id: ExchangeId) -> Result<Option<Exchange>, S::Error> {
        if !self.table.exchanges.contains_key(&id) && !self.cover.is_new(id) {
            let found = self.source.find(id).await?;
            self.load(found.into_iter().collect());
        }
        Ok(self.table.exchanges.get(&id).cloned())
    }

    async fn put(&mut self, exchange: &Exchange) -> Result<(), S::Error> {
        let id = exchange.id;
        let known = self.table.exchanges.get(&id);
        let is_asked =
            known.is_some_and(|known| known.request.is_some() && known.place == exchange.place);
        self.table.replace(exchange);
        if is_asked && !self.dirty.exchanges.contains(&id) {
            self.dirty.answers.insert(id);
        } else {
            self.dirty.answers.remove(&id);
            self.dirty.exchanges.insert(id);
        }
        Ok(())
    }

    async fn known_nodes(&mut self, hashes: &[Hash]) -> Result<Vec<Hash>, S::Error> {
        let is_known = |hash: &&Hash| self.table.nodes.contains_key(*hash);
        let (mut known, unknown): (Vec<Hash>, Vec<Hash>) = hashes.iter().partition(is_known);
        let unknown: Vec<_> =
            unknown.into_iter().filter(|hash| !self.cover.fresh.contains(hash)).collect();
        if !unknown.is_empty() {
            known.extend(self.source.known_nodes(&unknown).await?);
        }
        Ok(known)
    }

    async fn put_path(&mut self, path: &Path) -> Result<(), S::Error> {
        let Ok(()) = self.table.put_path(path).await;
        self.dirty.paths.push(path.clone());
        Ok(())
    }

    async fn drop_nodes(&mut self, last: Hash) -> Result<(), S::Error> {
        self.forget().await?;
        self.source.drop_nodes(last).await
    }

    async fn climb(&mut self, last: Hash, max: u32) -> Result<Vec<Node>, S::Error> {
        let Ok(mut nodes) = self.table.climb(last, max).await;
        let next = nodes.last().map_or(last, |top| top.predecessor);
        let missing = max.saturating_sub(u32::try_from(nodes.len()).unwrap_or(u32::MAX));
        if missing > 0 && next != Hash::START {
            nodes.extend(self.source.climb(next, missing).await?);
        }
        Ok(nodes)
    }

    async fn ending(&mut self, hashes: &[Hash], scope: &Scope) -> Result<Vec<Hash>, S::Error> {
        let Ok(mut found) = self.table.ending(hashes, scope).await;
        let asked =
            |hash: &&Hash| !self.cover.knows_whether(**hash, scope) && !found.contains(hash);
        let unknown: Vec<_> = hashes.iter().filter(asked).copied().collect();
        if !unknown.is_empty() {
            found.extend(self.source.ending(&unknown, scope).await?);
        }
        Ok(found)
    }

    async fn candidates(&mut self, wanted: &Candidates) -> Result<Vec<Exchange>, S::Error> {
        if self.cover.has_candidates(wanted) {
            let Ok(found) = self.table.candidates(wanted).await;
            return Ok(found);
        }
        self.flush().await?;
        self.source.candidates(wanted).await
    }

    async fn is_shared(
        &mut self,
        current: Hash,
        scope: &Scope,
        id: ExchangeId,
    ) -> Result<bool, S::Error> {
        let Ok(is_shared) = self.table.is_shared(current, scope, id).await;
        if is_shared || self.cover.knows_whether(current, scope) {
            return Ok(is_shared);
        }
        self.source.is_shared(current, scope, id).await
    }

    async fn equal(
        &mut self,
        current: Hash,
        scope: &Scope,
        identified: bool,
        moment: Moment,
        after: bool,
    ) -> Result<Option<Exchange>, S::Error> {
        if self.cover.has_equal(current, scope, identified, moment) {
            let Ok(found) = self.table.equal(current, scope, identified, moment, after).await;
            return Ok(found);
        }
        self.flush().await?;
        self.source.equal(current, scope, identified, moment, after).await
    }

    async fn newest(
        &mut self,
        scope: &Scope,
        before: Moment,
        summaries: bool,
    ) -> Result<Option<Exchange>, S::Error> {
        let is_known =
            self.cover.has_scope(scope) || !summaries && self.cover.has_newest(scope, before);
        if is_known {
            let Ok(found) = self.table.newest(scope, before, summaries).await;
            return Ok(found);
        }
        self.flush().await?;
        self.source.newest(scope, before, summaries).await
    }

    async fn summaries(
        &mut self,
        scope: &Scope,
        probes: &[Hash],
        before: Moment,
    ) -> Result<Vec<Exchange>, S::Error> {
        if self.cover.has_scope(scope) {
            let Ok(found) = self.table.summaries(scope, probes, before).await;
            return Ok(found);
        }
        self.flush().await?;
        self.source.summaries(scope, probes, before).await
    }

    async fn answering(
        &mut self,
        scope: &Scope,
        message_id: &str,
        child: Moment,
    ) -> Result<Option<Exchange>, S::Error> {
        self.flush().await?;
        self.source.answering(scope, message_id, child).await
    }

    async fn threads(&mut self, message_id: &str) -> Result<Vec<ExchangeId>, S::Error> {
        if self.cover.threads.contains(message_id) {
            let Ok(found) = self.table.threads(message_id).await;
            return Ok(found);
        }
        self.flush().await?;
        self.source.threads(message_id).await
    }

    async fn expect_places(&mut self, ids: &[ExchangeId]) -> Result<(), S::Error> {
        self.fetch_places(ids).await
    }

    async fn find_link(&mut self, id: ExchangeId) -> Result<Option<Link>, S::Error> {
        if !self.knows_link(id) {
            let found = self.source.find_link(id).await?;
            self.load_links(found.into_iter().collect());
            self.cover.links.insert(id);
        }
        Ok(self.table.links.get(&id).cloned())
    }

    async fn put_link(&mut self, link: &Link, waits: &[Hash]) -> Result<(), S::Error> {
        let Ok(()) = self.table.put_link(link, waits).await;
        self.dirty.links.insert(link.moment.id);
        self.dirty.waits.insert(link.moment.id);
        Ok(())
    }

    async fn put_place(&mut self, link: &Link) -> Result<(), S::Error> {
        let Ok(()) = self.table.put_place(link).await;
        self.dirty.links.insert(link.moment.id);
        Ok(())
    }

    async fn joined(
        &mut self,
        joint: Hash,
        domain: &str,
        session: Option<&str>,
        after: Moment,
    ) -> Result<Vec<Moment>, S::Error> {
        if self.cover.has_joined(joint, after) {
            let Ok(found) = self.table.joined(joint, domain, session, after).await;
            return Ok(found);
        }
        self.flush().await?;
        self.source.joined(joint, domain, session, after).await
    }

    async fn below(&mut self, hash: Hash, domain: &str) -> Result<Vec<Moment>, S::Error> {
        self.flush().await?;
        self.source.below(hash, domain).await
    }

    async fn longer(&mut self, session: &str, length: u32) -> Result<Vec<Moment>, S::Error> {
        if self.cover.has_session(session) {
            let Ok(found) = self.table.longer(session, length).await;
            return Ok(found);
        }
        self.flush().await?;
        self.source.longer(session, length).await
    }

    async fn heads(&mut self, session: &str, after: Moment) -> Result<Vec<Moment>, S::Error> {
        if self.cover.has_later(session, after) {
            let Ok(found) = self.table.heads(session, after).await;
            return Ok(found);
        }
        self.flush().await?;
        self.source.heads(session, after).await
    }

    async fn waiting(&mut self, key: Hash, after: Moment) -> Result<Vec<Moment>, S::Error> {
        if self.cover.has_waiting(key, after) {
            let Ok(found) = self.table.waiting(key, after).await;
            return Ok(found);
        }
        self.flush().await?;
        self.source.waiting(key, after).await
    }

    async fn children(&mut self, parents: &[ExchangeId]) -> Result<Vec<Link>, S::Error> {
        self.fetch_children(parents.iter().copied().collect()).await?;
        let Ok(found) = self.table.children(parents).await;
        Ok(found)
    }

    async fn attempts(&mut self, step: ExchangeId) -> Result<Vec<Link>, S::Error> {
        self.fetch_attempts(&[step].into()).await?;
        let Ok(found) = self.table.attempts(step).await;
        Ok(found)
    }

    async fn branches(
        &mut self,
        conversation: ExchangeId,
    ) -> Result<Vec<(Branch, Option<String>)>, S::Error> {
        if self.cover.is_new(conversation) {
            let Ok(found) = self.table.branches(conversation).await;
            return Ok(found);
        }
        self.flush().await?;
        self.source.branches(conversation).await
    }

    async fn put_label(&mut self, branch: ExchangeId, label: Option<&str>) -> Result<(), S::Error> {
        let Ok(()) = self.table.put_label(branch, label).await;
        self.dirty.labels.insert(branch, label.map(str::to_owned));
        Ok(())
    }

    async fn on_branch(&mut self, branch: ExchangeId) -> Result<Vec<ExchangeId>, S::Error> {
        if self.cover.is_new(branch) {
            let Ok(found) = self.table.on_branch(branch).await;
            return Ok(found);
        }
        self.flush().await?;
        self.source.on_branch(branch).await
    }

    // Calls are few. They are written at once; what is known is where there are none.

    async fn find_call(
        &mut self,
        scope: Hash,
        tool_use_id: &str,
        caller: Moment,
    ) -> Result<Option<Call>, S::Error> {
        if self.cover.is_silent(scope) {
            return Ok(None);
        }
        self.source.find_call(scope, tool_use_id, caller).await
    }

    async fn put_call(&mut self, call: &Call) -> Result<(), S::Error> {
        self.cover.scopes.insert(call.scope, true);
        if let Some(prompt) = call.prompt {
            self.cover.prompts.insert((call.scope, prompt), true);
        }
        if let Some(taker) = call.taken_by {
            self.cover.take(taker.id);
        }
        self.source.put_call(call).await
    }

    async fn put_result(
        &mut self,
        scope: Hash,
        tool_use_id: &str,
        agent: &str,
    ) -> Result<Vec<Call>, S::Error> {
        self.cover.scopes.insert(scope, true);
        self.source.put_result(scope, tool_use_id, agent).await
    }

    async fn named_by(
        &mut self,
        scope: Hash,
        tool_use_id: &str,
    ) -> Result<Option<String>, S::Error> {
        if self.cover.is_silent(scope) {
            return Ok(None);
        }
        self.source.named_by(scope, tool_use_id).await
    }

    async fn call_of(&mut self, scope: Hash, agent: &str) -> Result<Option<Call>, S::Error> {
        if self.cover.is_silent(scope) {
            return Ok(None);
        }
        self.source.call_of(scope, agent).await
    }

    async fn open_calls(
        &mut self,
        scope: Hash,
        prompts: Option<&[Hash]>,
        child: Moment,
    ) -> Result<Vec<Call>, S::Error> {
        let is_unasked = |prompt: &Hash| self.cover.is_unasked(scope, *prompt);
        if self.cover.is_silent(scope) || prompts.is_some_and(|all| all.iter().all(is_unasked)) {
            return Ok(Vec::new());
        }
        self.source.open_calls(scope, prompts, child).await
    }

    async fn held_by(&mut self, child: ExchangeId) -> Result<Option<Call>, S::Error> {
        if self.cover.holds_nothing(child) {
            return Ok(None);
        }
        self.source.held_by(child).await
    }
}
