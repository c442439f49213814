//! The linker's index over the tables, inside one transaction.

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use nexus_linking::{
    Exchange, Hash, Index, Link, Moment,
    chain::Node,
    index::{Call, Candidates, Path, Scope},
    label::Branch,
};
use sqlx::{Database, Postgres, Sqlite};

use super::row::{bytes, text};
use crate::{
    error::{Result, StoreError},
    sql::QueryBuilder,
};

/// One connection, for as long as its transaction lasts.
pub(super) struct SqlIndex<'c, DB: Database> {
    pub(super) connection: &'c mut DB::Connection,
}

impl<'c, DB: Database> SqlIndex<'c, DB> {
    pub(super) fn new(connection: &'c mut DB::Connection) -> Self {
        Self { connection }
    }
}

/// ` AND session_id = $n AND …`, each side of the scope spelled so that an index serves it.
#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlIndex<'_, Engine> {
    pub(super) fn within(query: &mut QueryBuilder<Engine>, scope: &Scope) {
        match scope {
            Scope::Agent { session, agent } => {
                query.push(" AND session_id = ").push_bind(text(session));
                match agent {
                    Some(agent) => query.push(" AND agent_id = ").push_bind(text(agent)),
                    None => query.push(" AND agent_id IS NULL"),
                };
            }
            Scope::Session(session) => {
                query.push(" AND session_id = ").push_bind(text(session));
            }
            Scope::Domain(domain) => {
                query.push(" AND domain = ").push_bind(text(domain));
            }
        }
    }

    /// ` AND (at, exchange_id) < ($n, $m)`.
    pub(super) fn versus(query: &mut QueryBuilder<Engine>, compares: &str, moment: Moment) {
        query.push(" AND (at, exchange_id) ").push(compares).push(" (");
        query.push_bind(moment.at).push(", ").push_bind(moment.id.0).push(")");
    }

    pub(super) fn one_of(query: &mut QueryBuilder<Engine>, hashes: &[Hash]) {
        query.push(" (");
        let mut list = query.separated(", ");
        for hash in hashes {
            list.push_bind(bytes(*hash));
        }
        query.push(")");
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl Index for SqlIndex<'_, Engine> {
    type Error = StoreError;

    async fn find(&mut self, id: ExchangeId) -> Result<Option<Exchange>> {
        self.read_facts(id).await
    }

    async fn put(&mut self, exchange: &Exchange) -> Result<()> {
        self.put_facts(exchange).await
    }

    async fn known_nodes(&mut self, hashes: &[Hash]) -> Result<Vec<Hash>> {
        self.read_known(hashes).await
    }

    async fn put_path(&mut self, path: &Path) -> Result<()> {
        self.write_paths(std::slice::from_ref(path)).await
    }

    async fn drop_nodes(&mut self, last: Hash) -> Result<()> {
        self.remove_nodes(last).await
    }

    async fn climb(&mut self, last: Hash, max: u32) -> Result<Vec<Node>> {
        self.read_path(last, max).await
    }

    async fn ending(&mut self, hashes: &[Hash], scope: &Scope) -> Result<Vec<Hash>> {
        self.read_ending(hashes, scope).await
    }

    async fn candidates(&mut self, wanted: &Candidates) -> Result<Vec<Exchange>> {
        self.read_candidates(wanted).await
    }

    async fn is_shared(&mut self, current: Hash, scope: &Scope, id: ExchangeId) -> Result<bool> {
        self.read_shared(current, scope, id).await
    }

    async fn equal(
        &mut self,
        current: Hash,
        scope: &Scope,
        identified: bool,
        moment: Moment,
        after: bool,
    ) -> Result<Option<Exchange>> {
        self.read_equal(current, scope, identified, moment, after).await
    }

    async fn newest(
        &mut self,
        scope: &Scope,
        before: Moment,
        summaries: bool,
    ) -> Result<Option<Exchange>> {
        self.read_newest(scope, before, summaries).await
    }

    async fn summaries(
        &mut self,
        scope: &Scope,
        probes: &[Hash],
        before: Moment,
    ) -> Result<Vec<Exchange>> {
        self.read_summaries(scope, probes, before).await
    }

    async fn answering(
        &mut self,
        scope: &Scope,
        message_id: &str,
        child: Moment,
    ) -> Result<Option<Exchange>> {
        self.read_answering(scope, message_id, child).await
    }

    async fn threads(&mut self, message_id: &str) -> Result<Vec<ExchangeId>> {
        self.read_threads(message_id).await
    }

    async fn find_link(&mut self, id: ExchangeId) -> Result<Option<Link>> {
        self.read_link(id).await
    }

    async fn put_link(&mut self, link: &Link, waits: &[Hash]) -> Result<()> {
        self.write_links(&[link]).await?;
        self.remove_waits(&[link.moment.id]).await?;
        self.write_waits(&[(link.moment, waits.to_vec())]).await
    }

    async fn put_place(&mut self, link: &Link) -> Result<()> {
        self.write_links(&[link]).await
    }

    async fn joined(
        &mut self,
        joint: Hash,
        domain: &str,
        session: Option<&str>,
        after: Moment,
    ) -> Result<Vec<Moment>> {
        self.read_joined(joint, domain, session, after).await
    }

    async fn below(&mut self, hash: Hash, domain: &str) -> Result<Vec<Moment>> {
        self.read_below(hash, domain).await
    }

    async fn longer(&mut self, session: &str, length: u32) -> Result<Vec<Moment>> {
        self.read_longer(session, length).await
    }

    async fn heads(&mut self, session: &str, after: Moment) -> Result<Vec<Moment>> {
        self.read_heads(session, after).await
    }

    async fn waiting(&mut self, key: Hash, after: Moment) -> Result<Vec<Moment>> {
        self.read_waiting(key, after).await
    }

    async fn children(&mut self, parents: &[ExchangeId]) -> Result<Vec<Link>> {
        self.read_children(parents).await
    }

    async fn attempts(&mut self, step: ExchangeId) -> Result<Vec<Link>> {
        self.read_attempts(step).await
    }

    async fn branches(
        &mut self,
        conversation: ExchangeId,
    ) -> Result<Vec<(Branch, Option<String>)>> {
        self.read_branches(conversation).await
    }

    async fn put_label(&mut self, branch: ExchangeId, label: Option<&str>) -> Result<()> {
        self.write_labels(&[(branch, label.map(str::to_owned))]).await
    }

    async fn on_branch(&mut self, branch: ExchangeId) -> Result<Vec<ExchangeId>> {
        self.read_on_branch(branch).await
    }

    async fn find_call(
        &mut self,
        scope: Hash,
        tool_use_id: &str,
        caller: Moment,
    ) -> Result<Option<Call>> {
        self.read_call(scope, tool_use_id, caller).await
    }

    async fn put_call(&mut self, call: &Call) -> Result<()> {
        self.write_call(call).await
    }

    async fn put_result(
        &mut self,
        scope: Hash,
        tool_use_id: &str,
        agent: &str,
    ) -> Result<Vec<Call>> {
        self.write_result(scope, tool_use_id, agent).await
    }

    async fn named_by(&mut self, scope: Hash, tool_use_id: &str) -> Result<Option<String>> {
        self.read_named_by(scope, tool_use_id).await
    }

    async fn call_of(&mut self, scope: Hash, agent: &str) -> Result<Option<Call>> {
        self.read_call_of(scope, agent).await
    }

    async fn open_calls(
        &mut self,
        scope: Hash,
        prompts: Option<&[Hash]>,
        child: Moment,
    ) -> Result<Vec<Call>> {
        self.read_open_calls(scope, prompts, child).await
    }

    async fn held_by(&mut self, child: ExchangeId) -> Result<Option<Call>> {
        self.read_held_by(child).await
    }
}
