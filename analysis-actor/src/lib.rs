//! The analysis role: takes jobs from the store's queue, asks Gemini, writes what it answered.
//!
//! The core is pure: [`prompt`] turns a branch into what is asked, [`report`] reads the answer. Around
//! it, a worker keeps its slots filled, each with one attempt at one job under a lease.

mod announce;
mod attempt;
mod backoff;
mod check;
pub mod config;
mod deps;
mod exceeded;
pub mod gemini;
pub mod prompt;
pub mod report;
mod run;
mod source;
mod wake;
mod worker;

pub use attempt::{call_cost, software_versions};
pub use check::{CheckError, Checked, check};
pub use config::{AnalysisConfig, GeminiConfig, Truncation};
pub use deps::{AnalysisDeps, BranchSource, BranchText, FailedAnalysis, FailureNotice};
pub use exceeded::fail_exceeded;
pub use run::{AnalysisError, run};
pub use source::StoredBranches;
