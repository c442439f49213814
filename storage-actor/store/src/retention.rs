//! Removing: by age and class of data, and one conversation with every trace.
//!
//! Shared content goes with the last thing that refers to it. Removal works in small transactions; what
//! was begun and cut short is found again by the next run.

mod content;
mod erased;
mod exchanges;
mod usage;

use async_trait::async_trait;
use jiff::Timestamp;
use nexus_contract::ExchangeId;

use crate::error::Result;

/// Exchanges per transaction.
const STEP: i64 = 200;

/// Removing what was kept long enough, or must go.
///
/// Every method may run beside writers and beside itself. A transient error leaves what was removed
/// so far removed.
#[async_trait]
pub trait Retention: Send + Sync {
    /// How much each `remove_*` would remove of what is older than `before`.
    async fn count_older(&self, before: Timestamp) -> Result<Older>;

    /// Removes bodies, headers and search texts of exchanges older than `before`; gives their number.
    async fn remove_payloads(&self, before: Timestamp) -> Result<u64>;

    /// Removes exchanges older than `before` with their payloads, and takes them out of the sums of
    /// their conversations; gives their number. Usage stays, and so do links for as long as a part of
    /// their conversation does.
    async fn remove_rows(&self, before: Timestamp) -> Result<u64>;

    /// Removes usage older than `before`, and the sums that lie before it as a whole; gives the number
    /// of rows.
    async fn remove_usage(&self, before: Timestamp) -> Result<u64>;

    /// Removes a conversation with every trace of it: exchanges, payloads, search texts, usage (also
    /// from the sums), links and analyses. Gives the number of exchanges. They are not stored and not
    /// linked any more, whoever brings their events again, until they are [taken
    /// back](Erasures::take_back).
    async fn erase_conversation(&self, conversation: ExchangeId) -> Result<u64>;
}

/// Exchanges that were erased, and are wanted again.
#[async_trait]
pub trait Erasures: Send + Sync {
    /// The exchanges may be stored and linked again. Those that were not erased are passed over.
    async fn take_back(&self, ids: &[ExchangeId]) -> Result<()>;
}

/// What is older than an instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Older {
    pub payloads: u64,
    pub rows: u64,
    pub usage: u64,
}
