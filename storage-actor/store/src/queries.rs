//! Reading: lists, graphs, sums and search over what the roles have stored.
//!
//! Everything here runs on connections that cannot write.

mod accounts;
mod activity;
mod calling;
mod conditions;
mod conversations;
mod cover;
mod days;
mod first;
pub mod graph;
pub mod metrics;
pub mod misses;
mod names;
mod node;
mod path;
mod rarest;
mod reason;
mod requests;
mod row;
mod search;
mod series;
mod snippet;
mod statement;
mod stretches;
pub mod syntax;
mod texts;
mod tools;
pub mod types;
mod usage;
mod walk;
mod words;

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use duplicate::duplicate_item;
use jiff::Timestamp;
use nexus_contract::ExchangeId;
use sqlx::{Postgres, Sqlite};

pub(crate) use self::words::{searchable_words, without_accents};
pub use self::{
    syntax::{Has, Search, SyntaxError},
    types::*,
};
use crate::{engine::SqlStore, error::Result, links::ClientLinks};

/// What the data API and the dashboard read.
///
/// Lists are keyset pages, newest (or largest) first, each one scan of an index. A conversation is
/// found under its own id, and under that of any exchange in it: its id changes when a late parent
/// adopts its root.
#[async_trait]
pub trait Queries: Send + Sync {
    async fn list_requests(
        &self,
        filter: &RequestFilter,
        paging: &Paging,
    ) -> Result<Page<RequestSummary>>;

    async fn find_request(&self, id: ExchangeId) -> Result<Option<RequestSummary>>;

    /// The exchanges whose parent, or whose starting exchange, it is; oldest first, at most
    /// [`Paging::MAX`].
    async fn list_children(&self, id: ExchangeId) -> Result<Vec<RequestSummary>>;

    /// Why it is linked as it is; `None` until it is linked.
    async fn find_link_reason(&self, id: ExchangeId) -> Result<Option<LinkReason>>;

    /// By which rule it is linked, and into what, in one statement; `None` until it is linked.
    async fn find_linked(&self, id: ExchangeId) -> Result<Option<Linked>>;

    /// The exchanges of a conversation that nothing but the session joins to their parents, whose
    /// histories they do not repeat.
    async fn list_beginnings(&self, conversation: ExchangeId) -> Result<HashSet<ExchangeId>>;

    async fn list_conversations(
        &self,
        filter: &ConversationFilter,
        paging: &Paging,
    ) -> Result<Page<ConversationSummary>>;

    /// How many there are, and of what they are made. Searched words are looked for in all documents,
    /// not in the newest alone.
    async fn count_conversations(&self, filter: &ConversationFilter) -> Result<ConversationCounts>;

    async fn find_conversation(&self, id: ExchangeId) -> Result<Option<ConversationSummary>>;

    /// Titles of conversations; those without one are left out.
    async fn list_titles(&self, ids: &[ExchangeId]) -> Result<HashMap<ExchangeId, String>>;

    /// The conversation with its oldest `max_nodes` exchanges.
    async fn find_graph(&self, id: ExchangeId, max_nodes: u32)
    -> Result<Option<ConversationGraph>>;

    /// Domains by number of requests, at most [`Paging::MAX`].
    async fn list_domains(&self) -> Result<Vec<DomainSummary>>;

    /// Accounts by number of requests, at most [`Paging::MAX`], with their windows.
    async fn list_accounts(&self) -> Result<Vec<AccountSummary>>;

    /// The windows of all accounts, as the upstream last reported them.
    async fn list_windows(&self) -> Result<Vec<AccountWindow>>;

    /// The sum over all exchanges of the filter that have ended.
    async fn sum_usage(&self, filter: &UsageFilter) -> Result<UsageTotals>;

    /// The same by group, exact to the instant; together they give [`sum_usage`](Self::sum_usage).
    async fn sum_usage_by(
        &self,
        filter: &UsageFilter,
        group: GroupBy,
    ) -> Result<BTreeMap<UsageKey, UsageTotals>>;

    /// Sums per stretch of `width_minutes` (counted from 1970-01-01T00:00Z; 15 or a multiple of it)
    /// and group, in order of time. Stretches without exchanges are left out.
    async fn list_usage(
        &self,
        filter: &UsageFilter,
        width_minutes: u32,
        group: GroupBy,
    ) -> Result<Vec<UsageBucket>>;

    /// Sums per stretch between two neighbours of `edges` and group, in order of time; the filter's own
    /// times do not count. Edges ascend and lie at whole quarters of an hour. Stretches without
    /// exchanges are left out.
    async fn list_usage_between(
        &self,
        filter: &UsageFilter,
        edges: &[Timestamp],
        group: GroupBy,
    ) -> Result<Vec<UsageBucket>>;

    /// How well the newest exchanges were linked, by the clients' versions; those with the most
    /// exchanges first.
    async fn list_client_links(&self) -> Result<Vec<ClientLinks>>;

    /// Timings of the newest exchanges that completed, and how many conversations were active, in the
    /// two filters' periods, and in each stretch between two neighbours of the ascending `edges`: one
    /// statement.
    async fn sample_activity(
        &self,
        now: &UsageFilter,
        before: &UsageFilter,
        edges: &[Timestamp],
    ) -> Result<Activity>;
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
#[async_trait]
impl Queries for SqlStore<Engine> {
    async fn list_requests(
        &self,
        filter: &RequestFilter,
        paging: &Paging,
    ) -> Result<Page<RequestSummary>> {
        self.requests(filter, paging).await
    }

    async fn find_request(&self, id: ExchangeId) -> Result<Option<RequestSummary>> {
        self.request(id).await
    }

    async fn list_children(&self, id: ExchangeId) -> Result<Vec<RequestSummary>> {
        self.children(id).await
    }

    async fn find_link_reason(&self, id: ExchangeId) -> Result<Option<LinkReason>> {
        self.link_reason(id).await
    }

    async fn find_linked(&self, id: ExchangeId) -> Result<Option<Linked>> {
        self.linked(id).await
    }

    async fn list_beginnings(&self, conversation: ExchangeId) -> Result<HashSet<ExchangeId>> {
        self.link_beginnings(conversation).await
    }

    async fn list_conversations(
        &self,
        filter: &ConversationFilter,
        paging: &Paging,
    ) -> Result<Page<ConversationSummary>> {
        self.conversations(filter, paging).await
    }

    async fn count_conversations(&self, filter: &ConversationFilter) -> Result<ConversationCounts> {
        self.conversation_counts(filter).await
    }

    async fn find_conversation(&self, id: ExchangeId) -> Result<Option<ConversationSummary>> {
        self.conversation(id).await
    }

    async fn list_titles(&self, ids: &[ExchangeId]) -> Result<HashMap<ExchangeId, String>> {
        self.titles(ids).await
    }

    async fn find_graph(
        &self,
        id: ExchangeId,
        max_nodes: u32,
    ) -> Result<Option<ConversationGraph>> {
        self.graph(id, max_nodes).await
    }

    async fn list_domains(&self) -> Result<Vec<DomainSummary>> {
        self.domains().await
    }

    async fn list_accounts(&self) -> Result<Vec<AccountSummary>> {
        self.accounts().await
    }

    async fn list_windows(&self) -> Result<Vec<AccountWindow>> {
        self.windows().await
    }

    async fn sum_usage(&self, filter: &UsageFilter) -> Result<UsageTotals> {
        let sums = self.usage_sums(filter, GroupBy::default()).await?;
        Ok(sums.into_values().next().unwrap_or_default())
    }

    async fn sum_usage_by(
        &self,
        filter: &UsageFilter,
        group: GroupBy,
    ) -> Result<BTreeMap<UsageKey, UsageTotals>> {
        self.usage_sums(filter, group).await
    }

    async fn list_usage(
        &self,
        filter: &UsageFilter,
        width_minutes: u32,
        group: GroupBy,
    ) -> Result<Vec<UsageBucket>> {
        self.usage_buckets(filter, width_minutes, group).await
    }

    async fn list_usage_between(
        &self,
        filter: &UsageFilter,
        edges: &[Timestamp],
        group: GroupBy,
    ) -> Result<Vec<UsageBucket>> {
        self.usage_between(filter, edges, group).await
    }

    async fn sample_activity(
        &self,
        now: &UsageFilter,
        before: &UsageFilter,
        edges: &[Timestamp],
    ) -> Result<Activity> {
        self.activity(now, before, edges).await
    }

    async fn list_client_links(&self) -> Result<Vec<ClientLinks>> {
        self.client_links().await
    }
}
