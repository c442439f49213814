//! Settings: one table of definitions, four sources (flag, environment, `nexus.toml`, default), one
//! typed result. All mistakes are reported at once.

pub mod definition;
#[cfg(test)]
mod document;
pub mod environment;
mod file;
mod parse;
mod resolve;
mod suggest;
mod table;
#[cfg(test)]
mod tested;
mod typed;

pub use definition::Definition;
pub use parse::{FromSetting, Period, Rate};
pub use resolve::{Inputs, Resolved, resolve};
pub use table::TABLE;
pub use typed::{Capture, LogFormat, OnClientAbort, Settings};
