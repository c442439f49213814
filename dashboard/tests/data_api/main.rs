//! The data API over a store of generated traffic, on both engines.

mod described;
mod documented;
mod fixture;
mod schema;
mod sums;
