//! Real processes under test: the `nexus` binary against the stand-in for the Anthropic API, driven
//! by real clients and by load, with what it stored asked for through its data API.

pub mod api;
pub mod clients;
pub mod credentials;
pub mod installation;
pub mod ledger;
pub mod load;
pub mod nats;
pub mod nexus;
pub mod oracle;
pub mod otlp;
pub mod paths;
pub mod payload;
pub mod picture;
pub mod ports;
pub mod scan;
pub mod talk;
pub mod wait;

pub use api::Api;
pub use installation::{Installation, Plan};
pub use nats::Nats;
pub use nexus::{Nexus, NexusBuilder};
pub use nexus_scripted::http_client;
