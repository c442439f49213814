//! The Messages API as consumers read it, off captured bytes. No I/O.

pub mod identity;
pub mod request;
pub mod transcript;

pub use identity::{Client, Identity, RequestClass};
pub use request::{Block, Message, Request, Thread};
