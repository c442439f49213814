//! Bodies as references into a store of segments: see [`cut`] for where a body is cut.
//!
//! A history is a path in a tree of nodes, named by the hash of the whole path; so the next turn of a
//! conversation finds the longest stored beginning with one look-up and adds a node per new message.
//! Foreign keys guard what is shared: a segment cannot be removed while something refers to it, and
//! a writer that lost a race against a removal gets a transient error and tries again.

pub mod cut;
mod keyed;
mod known;
mod nodes;
pub mod packed;
mod patch;
mod read;
mod scan;
#[cfg(test)]
mod tests;
mod varint;
mod write;

pub(crate) use keyed::content_hash;
pub use keyed::{KeyedBody, Shape};
pub use known::KnownContent;
pub use read::BodyRow;
pub(crate) use write::{StoredBody, Writer, ids_needed};
