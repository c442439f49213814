//! The contract of exchanges, bodies, usage and what is summed up, on both engines.

mod convergence;
mod payloads;
mod pricing;
mod probe;
mod retention;
mod sample;
mod search;
