//! The event stream between the roles, and what stands on it: the shipper that carries the journal
//! to the stream, and the consumer actor that carries the stream to a role's [`Handler`].
//!
//! Nothing above [`EventStream`] knows whether it runs on the embedded log or on NATS JetStream.

pub mod backoff;
pub mod consume;
mod cryptography;
pub mod embedded;
mod erase;
pub mod handler;
pub mod jetstream;
pub mod live;
pub mod open;
pub mod report;
pub mod ship;
pub mod stream;
mod yielding;

pub use consume::{ConsumerConfig, ConsumerGone, consume};
pub use cryptography::choose_cryptography;
pub use embedded::{EmbeddedConfig, EmbeddedLog, Encoded};
pub use handler::{Handler, Verdict};
pub use jetstream::{Connecting, JetStream, NatsConfig, NatsLiveBus};
pub use live::{Listener, LiveBus, LocalLiveBus};
pub use open::{Bus, BusConfig, open};
pub use report::report;
pub use ship::{ShipperConfig, ShipperGone, adopt, adopt_once, ship};
pub use stream::{
    Consumer, ConsumerSpec, ConsumerStatus, DeadLetter, Delivery, EventStream, PULL_BYTES, Page,
    Settle, StreamError, StreamStatus,
};
