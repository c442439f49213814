//! What the role stands on, passed in.

use std::sync::Arc;

use async_trait::async_trait;
use nexus_bus::{EventStream, LiveBus};
use nexus_contract::Clock;
use nexus_messages::{price::PriceTable, transcript::Exchange};
use nexus_store::{AnalysisStore, StoreError, analyses::Branch};

/// The outside world, as traits.
#[derive(Clone)]
pub struct AnalysisDeps {
    pub store: Arc<dyn AnalysisStore>,
    pub branches: Arc<dyn BranchSource>,
    /// Wakes the worker when somebody asks for an analysis, and hears how it ended.
    pub stream: Arc<dyn EventStream>,
    pub live: Arc<dyn LiveBus>,
    pub notice: Arc<dyn FailureNotice>,
    pub prices: Arc<PriceTable>,
    pub clock: Arc<dyn Clock>,
    /// 64 random bits a call.
    pub random: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// Reads branches.
#[async_trait]
pub trait BranchSource: Send + Sync + 'static {
    /// What leads to the end of the branch, its ancestors included; `None` when there is no such
    /// branch, or nothing is left of it.
    async fn find_branch(&self, branch: &Branch) -> Result<Option<BranchText>, StoreError>;

    /// Its conversation's domain, found without reading what was said.
    async fn find_domain(&self, branch: &Branch) -> Result<Option<String>, StoreError>;
}

/// A branch, as much of it as its transcript needs.
#[derive(Debug, Clone)]
pub struct BranchText {
    pub domain: String,
    /// Oldest first. Exchanges whose history a later one repeats may be left out.
    pub exchanges: Vec<Exchange>,
}

/// Tells people outside of Nexus that an analysis failed for good.
pub trait FailureNotice: Send + Sync + 'static {
    /// Must not wait; what can't be delivered is the implementation's to try again.
    fn analysis_failed(&self, failure: &FailedAnalysis<'_>);
}

/// What there is to tell of a failure.
#[derive(Debug, Clone, Copy)]
pub struct FailedAnalysis<'a> {
    /// Empty when it isn't known: there is no such branch.
    pub domain: &'a str,
    pub branch: &'a Branch,
    pub requested_by: &'a str,
    /// One sentence, without secrets.
    pub reason: &'a str,
}
