//! What people see of Nexus: the pages, the data API, the live stream, the assets.
//!
//! [`Dashboard`] is made once a process. It serves a port of its own ([`Dashboard::serve`]) and, under
//! `nexus up`, mounts its `/api` on the gateway's ([`Dashboard::api_routes`]).

mod analyses;
mod api;
mod assets;
pub mod chart;
mod config;
mod deps;
mod error;
pub mod graph;
pub mod live;
pub mod mcp;
mod pages;
mod recordings;
pub mod render;
mod security;
mod server;
mod view;

pub use analyses::announce_queued;
pub use api::StoredRecordings;
pub use config::{DashboardConfig, SparkConfig};
pub use deps::{Dashboard, Deps};
pub use error::{DashboardError, PageError};
pub use recordings::{Half, Recording, Recordings, Row};
pub use server::run;
