//! The data API over a store of generated traffic, on both engines.

mod analyses;
mod described;
mod events;
mod filters;
mod fixture;
mod sample;
mod schema;
mod search;
mod series;
mod spark;
mod stored;
mod sums;
