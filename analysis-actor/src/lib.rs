//! The analysis role: takes jobs from the store's queue, asks Gemini, writes what it answered.

pub mod config;
pub mod gemini;
pub mod prompt;
pub mod report;

pub use config::{AnalysisConfig, GeminiConfig, Truncation};
