//! The store: everything that outlives an event, on SQLite or PostgreSQL.
//!
//! One trait per concern, implemented once for both engines; [`engine`] opens them, [`dialect`] holds
//! the few places where their SQL differs. [`Store`] is all of them together: [`engine::open`] gives
//! an `Arc<dyn Store>`, which turns into an `Arc` of the one trait that a role needs.

pub mod analyses;
pub mod archive;
pub mod bodies;
mod bulk;
pub mod dialect;
pub mod engine;
pub mod error;
pub mod exchanges;
pub mod health;
mod ids;
pub mod links;
pub mod materialised;
pub mod queries;
pub mod retention;
mod sql;
mod table;
#[cfg(feature = "test-support")]
pub mod testing;
pub mod usage;
pub mod windows;

pub use analyses::AnalysisStore;
pub use archive::Archive;
pub use engine::{StoreConfig, open};
pub use error::{Result, StoreError};
pub use exchanges::{ExchangeStore, Pricing};
pub use health::Health;
pub use links::LinkStore;
pub use materialised::Materialised;
pub use queries::Queries;
pub use retention::{Erasures, Retention};

/// Every concern of the store. Add a module's trait to this list and to the line below.
pub trait Store:
    AnalysisStore
    + Archive
    + Erasures
    + ExchangeStore
    + Health
    + LinkStore
    + Materialised
    + Pricing
    + Queries
    + Retention
    + 'static
{
}

impl<S> Store for S where
    S: AnalysisStore
        + Archive
        + Erasures
        + ExchangeStore
        + Health
        + LinkStore
        + Materialised
        + Pricing
        + Queries
        + Retention
        + 'static
{
}
