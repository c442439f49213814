//! Reading: lists, graphs, sums and search over what the roles have stored.
//!
//! Everything here runs on connections that cannot write.

pub mod syntax;
pub mod types;

use async_trait::async_trait;
use nexus_contract::ExchangeId;

pub use self::{
    syntax::{Search, SyntaxError},
    types::*,
};
use crate::error::Result;

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

    async fn list_conversations(
        &self,
        filter: &ConversationFilter,
        paging: &Paging,
    ) -> Result<Page<ConversationSummary>>;

    async fn find_conversation(&self, id: ExchangeId) -> Result<Option<ConversationSummary>>;

    /// The conversation with its oldest `max_nodes` exchanges.
    async fn find_graph(&self, id: ExchangeId, max_nodes: u32)
    -> Result<Option<ConversationGraph>>;

    /// Domains by number of requests, at most [`Paging::MAX`].
    async fn list_domains(&self) -> Result<Vec<DomainSummary>>;

    /// Accounts by number of requests, at most [`Paging::MAX`], with their windows.
    async fn list_accounts(&self) -> Result<Vec<AccountSummary>>;

    /// The sum over all exchanges of the filter.
    async fn sum_usage(&self, filter: &UsageFilter) -> Result<UsageTotals>;

    /// Sums per stretch of `width_minutes` (counted from 1970-01-01T00:00Z; 15 or a multiple of it)
    /// and group, in order of time. Stretches without exchanges are left out.
    async fn list_usage(
        &self,
        filter: &UsageFilter,
        width_minutes: u32,
        group: GroupBy,
    ) -> Result<Vec<UsageBucket>>;

    /// Percentiles over the newest exchanges of the filter.
    async fn sample_latency(&self, filter: &UsageFilter) -> Result<LatencySample>;
}
