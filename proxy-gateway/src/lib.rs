//! The gateway: clients on one side, the Anthropic API on the other, the same bytes in between.
//!
//! It recognises the client, picks the credential, forwards, and records a copy in the journal. It
//! knows nothing of the store, and does no I/O but towards client and upstream while it answers.

mod access;
mod background;
mod config;
pub mod credentials;
mod deps;
mod domain;
mod exchange;
mod gateway;
mod in_flight;
mod limits;
mod meters;
mod notices;
mod observe;
mod outbound;
mod problem;
mod retire;
mod routes;
mod server;
mod state;
mod upstream;
mod watched;

pub use config::{
    AccessConfig, CaptureConfig, ClientConfig, GatewayConfig, LimitConfig, NotifyConfig,
    OnClientAbort, RateLimit, SlackConfig, UpstreamConfig,
};
pub use deps::{GatewayDeps, Random, RenderMetrics};
pub use gateway::{Gateway, GatewayError, Problems, run};
pub use meters::OVERHEAD_BUCKETS;
pub use notices::SlackNotices;
