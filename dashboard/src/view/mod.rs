//! Templates, the frame around every page, and numbers as people read them.

mod buckets;
mod chrome;
mod context;
mod failure;
mod filters;
pub mod format;
mod gateway;
mod links;
mod listed;
mod page;
mod scope;
mod window;

pub use buckets::Buckets;
pub use chrome::{Choice, Crumb, Place, choices};
#[cfg(test)]
pub use chrome::{Chrome, SAMPLE_SCOPE};
pub use context::Ctx;
pub use failure::error_page;
pub use filters::{escape, put};
pub use gateway::GatewayAddress;
pub use links::{Link, Links, scoped};
pub use listed::Listed;
pub use page::{Fragment, Page, Views};
pub use scope::{Range, Scope};
pub use window::Window;
