//! The linker role: facts in, links out.
//!
//! Reading a body is work for the CPU and happens off the I/O threads; deciding is one transaction in
//! the store for a whole batch. What a commit changed waits in the store until the stream has it, so
//! that a crash between the two announces it at the next start.

mod announce;
mod gauge;
mod handler;

pub use announce::Announcer;
pub use gauge::watch_quality;
pub use handler::{LinkerDeps, LinkerHandler};
