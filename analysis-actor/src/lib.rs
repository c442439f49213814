//! The analysis role: takes jobs from the store's queue, asks Gemini, writes what it answered.
//!
//! The core is pure: [`prompt`] turns a branch into what is asked, [`report`] reads the answer. Around
//! it, a worker keeps its slots filled, each with one attempt at one job under a lease.

mod announce;
mod attempt;
mod backoff;
pub mod config;
mod deps;
pub mod gemini;
pub mod prompt;
pub mod report;
mod run;
mod source;
mod wake;
mod worker;

pub use config::{AnalysisConfig, GeminiConfig, Truncation};
pub use deps::{AnalysisDeps, BranchSource, BranchText, FailureNotice, NoNotice};
pub use run::{AnalysisError, run};
pub use source::StoredBranches;
