//! The contract of exchanges, bodies, usage and what is summed up, on both engines.

mod activity;
mod analysed;
mod convergence;
mod found;
mod lists;
mod partitions;
mod payloads;
mod pricing;
mod probe;
mod rare;
mod retention;
mod sample;
mod search;
mod statements;
mod turns;
