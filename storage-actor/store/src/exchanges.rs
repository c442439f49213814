//! Exchanges: one row each, their payloads, usage and windows.
//!
//! Everything that one batch of events changes is written in one transaction. It locks the rows, lays
//! the halves over them (see [`merge`]), and writes what is different; a repetition changes nothing.

mod accounting;
mod headers;
mod links;
pub(crate) mod merge;
mod part;
mod payloads;
mod pricing;
mod read;
mod row;
mod search;
mod summary;
mod write;

use async_trait::async_trait;
use bytes::Bytes;
use nexus_contract::{ExchangeId, Headers};

pub(crate) use self::read::joined_headers;
pub use self::{
    part::{Account, AccountSource, ExchangePart, Facts, RequestFacts, ResponseFacts, UsageFacts},
    pricing::{Pricing, Repriced, RepricedTo},
    row::ExchangeRow,
};
use crate::error::Result;

/// Writing exchanges, and reading back what was written of one.
#[async_trait]
pub trait ExchangeStore: Send + Sync {
    /// Stores the halves, all or none. Halves may come in any order, again, and several of one
    /// exchange at once. Gives the rows that are different now.
    async fn write_exchanges(&self, parts: &[ExchangePart]) -> Result<Vec<ExchangeRow>>;

    /// Takes over the links of these exchanges as they are now. Exchanges that are not stored yet are
    /// passed over: they look their links up when they are. Gives the rows that are different now.
    async fn apply_links(&self, ids: &[ExchangeId]) -> Result<Vec<ExchangeRow>>;

    /// The row.
    async fn find_exchange(&self, id: ExchangeId) -> Result<Option<ExchangeRow>>;

    /// Headers and bodies, byte for byte and checked. `None` when the exchange is not stored, or
    /// its payload was removed.
    async fn find_payload(&self, id: ExchangeId) -> Result<Option<Payload>>;

    /// What went over the wire for several exchanges, in any order; those without a payload are left
    /// out. Two statements for up to [`MAX_PAYLOADS`], which may share most of their bytes.
    async fn list_payloads(&self, ids: &[ExchangeId]) -> Result<Vec<Recorded>>;

    /// Usage as the upstream sent it, JSON.
    async fn find_usage(&self, id: ExchangeId) -> Result<Option<String>>;
}

/// Payloads that are read at once.
pub const MAX_PAYLOADS: usize = 64;

/// An exchange's payload, with where it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub id: ExchangeId,
    /// `None` when the request's half is not stored.
    pub method: Option<String>,
    pub path: Option<String>,
    pub payload: Payload,
}

/// What went over the wire, with secrets masked in the headers. A half that is not stored is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    pub request_headers: Option<Headers>,
    pub request_body: Option<Bytes>,
    pub response_headers: Option<Headers>,
    pub response_body: Option<Bytes>,
}
