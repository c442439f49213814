//! The Messages API as consumers read it: requests, streams, answers, usage, prices. No I/O.
//!
//! Everything here works on a copy of what passed; nothing assumes that a body is valid.

pub mod answer;
pub mod change;
pub mod decode;
pub mod identity;
pub mod kind;
pub mod line;
pub mod price;
pub mod request;
pub mod searchable;
pub mod sse;
pub mod text;
pub mod transcript;
pub mod usage;

pub use answer::Answer;
pub use identity::{Client, Identity, RequestClass};
pub use kind::RequestType;
pub use price::{ContextLimit, Cost, PriceTable};
pub use request::{Block, Message, Request, Thread};
pub use usage::{Tokens, Usage};
