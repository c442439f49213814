//! Analysis jobs: one row per branch, and the row is the queue.
//!
//! ```text
//! pending ──lease──▶ processing ──complete──▶ completed
//!    ▲                   │ │
//!    ├──── retry at ─────┘ └──────fail───────▶ failed
//!    └──────── request (failed only), regenerate (any) ───────┘
//! ```
//!
//! A lease has an end, which its worker moves on while it lives, and a fence, which grows with every
//! lease and every regeneration. Whatever a worker writes names its fence, so that a late result of
//! a worker that was given up, or of a run that was cancelled, changes nothing but its own attempt.

mod audit;
mod filter;
mod job;
mod queue;
mod reads;
mod requests;
mod row;

pub use audit::{AnalysisAudit, AuditAction, AuditEntry};
pub use filter::AnalysisFilter;
pub use job::{
    Analysis, Attempt, AttemptEnd, AttemptFailure, Branch, Completion, JobStatus, LeaseRequest,
    LeasedJob, Requested,
};
pub use queue::AnalysisQueue;
pub use reads::{AnalysisCounts, AnalysisCursor, AnalysisReads};
pub use requests::{AnalysisRequests, NewAnalysis};

/// Everything about analyses.
pub trait AnalysisStore: AnalysisRequests + AnalysisQueue + AnalysisReads + AnalysisAudit {}

impl<S> AnalysisStore for S where S: AnalysisRequests + AnalysisQueue + AnalysisReads + AnalysisAudit
{}
