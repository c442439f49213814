//! What is summed up ahead of reading: conversations and stretches of time.
//!
//! Each figure is a sum over rows of what one row contributes, a pure function of that row. A change
//! subtracts what the old row contributed and adds what the new one does, in the transaction that
//! writes the row; so neither order nor repetition matters, and a full recount gives the same.

mod buckets;
mod conversations;
mod rebuild;
mod sums;
mod write;

pub use buckets::{BucketKey, WIDTHS_MINUTES};
pub(crate) use conversations::{MODEL, TOOL};
pub use rebuild::Materialised;
pub(crate) use write::Change;
