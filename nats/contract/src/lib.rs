//! The event contract: what the gateway, the linker, the storage and the analysis roles say to
//! one another. Types only; nothing here does I/O.
//!
//! An [`Event`] is an [`Envelope`] (small, JSON on the wire) and an optional [`Body`] (the bytes of
//! a request or an answer, zstd). [`codec`] turns one into the other and back. Every version of an
//! event that was ever written decodes for ever: the golden files under `golden/` hold it to that.

pub mod body;
pub mod clock;
pub mod codec;
pub mod event;
pub mod header;
pub mod heartbeat;
pub mod id;
pub mod live;
pub mod mask;

pub use body::{Body, BodyError};
pub use clock::{Clock, ManualClock, SystemClock};
pub use codec::{DecodeError, decode, encode};
pub use event::{
    AnalysisFinished, AnalysisRequested, Envelope, Event, Kind, Linked, Payload, RequestReceived,
    ResponseFinished, TerminalState,
};
pub use header::{Headers, MASKED};
pub use heartbeat::{Heartbeat, JournalFigures};
pub use id::{ExchangeId, IdSource};
pub use live::{LiveEvent, LiveTopic};
pub use mask::mask_secrets;
