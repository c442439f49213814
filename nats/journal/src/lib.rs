//! The gateway's journal: an append-only log on local disk that stands between an exchange and
//! everything that could be slow, down or full.
//!
//! **Constraints.** Appending costs microseconds and never waits: it puts a frame into a queue
//! bounded in bytes. A thread of its own writes frames in batches into preallocated segments; a
//! second one syncs them every 25 ms. What `write(2)` took survives `kill -9`; what was synced
//! survives a power cut. Frames carry the exchange's id, their position in it and checksums, so a
//! torn or flipped byte costs the frame it hit and nothing else. An answer is recorded as it comes:
//! no whole body is held in memory.
//!
//! **State.** The files are the state: a segment exists until all exchanges that have a frame in it
//! were acknowledged by the stream; the one that is written until the journal is closed. There is no
//! ledger, so after a crash some of what was acknowledged is shipped again, under the same message ids.
//!
//! **Pace.** A source that can wait, a client's upload or the upstream's answer, is not read while more than
//! half of the queue waits for the writer. Only a writer that stands still is not waited for.
//!
//! **Losses.** When the bound is reached, frames are lost, never what was captured before: the
//! exchange then ends in a tombstone that says so. Tombstones without room wait in memory, up to the
//! queue's bound once more, and are counted as lost beyond that. See [`Counts`].
//!
//! **Not here.** No compression (that is the shipper's), no order between exchanges, no reading by
//! id: this is a queue, not a store.

mod assemble;
mod claim;
mod error;
mod folder;
mod frame;
mod journal;
mod queue;
mod reader;
mod record;
mod recording;
mod scan;
mod segment;
mod shared;
mod space;
mod stats;
mod sync;
mod table;
mod waiting;
mod writer;

pub use assemble::Assembled;
pub use error::{JournalError, JournalFull};
pub use journal::{Capture, Journal, JournalConfig, JournalStatus};
pub use reader::{Growth, Reader};
pub use record::{RequestHead, ResponseHead};
pub use recording::Recording;
pub use stats::{Counts, LossReason};
pub use table::Ready;
