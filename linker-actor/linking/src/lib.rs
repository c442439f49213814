//! Which exchange continues which: facts, hash chain and decision, without any I/O.

pub mod block;
pub mod cache;
pub mod canonical;
pub mod chain;
pub mod decide;
pub mod explain;
pub mod facts;
#[cfg(feature = "test-support")]
pub mod forest;
pub mod hash;
pub mod index;
pub mod ingest;
pub mod label;
pub mod link;
pub mod memory;
pub mod reference;
pub mod structure;

pub use cache::Cache;
pub use facts::{AnswerFacts, Fact, Moment, RequestContext, RequestFacts};
pub use hash::Hash;
pub use index::{Exchange, Index};
pub use ingest::{Changes, ingest, redecide};
pub use link::{Edge, Link, LinkKind, Method};
pub use memory::Memory;
