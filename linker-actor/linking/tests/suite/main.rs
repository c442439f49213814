//! One binary for all, so that the decision is compiled for the index in memory once.

mod common;
mod convergence;
mod documentation;
mod recordings;
mod stories;
