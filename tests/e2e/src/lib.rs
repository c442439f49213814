//! Real processes under test: the `nexus` binary against the stand-in for the Anthropic API, driven
//! by real clients and by load, with what it stored asked for through its data API.

pub mod api;
pub mod clients;
pub mod nexus;
pub mod paths;
pub mod ports;
pub mod wait;

pub use api::Api;
pub use nexus::{Nexus, NexusBuilder};
