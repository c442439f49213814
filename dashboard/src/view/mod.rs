//! Templates, the frame around every page, and numbers as people read them.

mod chrome;
mod context;
mod failure;
mod filters;
pub mod format;
mod page;
mod scope;

pub use chrome::{Chrome, Crumb, Place};
pub use context::Ctx;
pub use failure::error_page;
pub use filters::escape;
pub use page::{Fragment, Page, Views};
pub use scope::{Range, Scope};
