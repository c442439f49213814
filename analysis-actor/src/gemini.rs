//! Gemini over HTTP.

mod answer;
mod client;
mod failure;
mod wire;

pub use answer::{Answer, Usage};
pub use client::Gemini;
pub use failure::{CallError, Cause};
