//! The data API over a store of generated traffic, on both engines.

mod described;
mod fixture;
mod schema;
mod spark;
mod sums;
