//! The storage role: writes what the stream says into the store.
//!
//! [`prepare`] turns an event into what the store takes, without I/O and off the I/O threads;
//! [`StorageHandler`] moves batches, settles events by what the store said, and tells who watches.

mod account;
mod handler;
mod pieces;
pub mod prepare;
pub mod pricing;
pub mod retention;

pub use handler::{StorageDeps, StorageHandler};
pub use retention::{Removed, RetentionConfig};
