//! The role.

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::{
    attempt::Attempts, config::AnalysisConfig, deps::AnalysisDeps, gemini::Gemini, wake::Waker,
    worker::Worker,
};

/// Why the role can't work.
#[derive(Debug, Error)]
pub enum AnalysisError {
    #[error("no HTTP client for Gemini can be made: {0}")]
    Http(#[from] reqwest::Error),
}

/// Works until `shutdown`, then drains. `waker` is what the role's consumer on the stream handles
/// events with; whoever starts the role runs that consumer.
pub async fn run(
    config: AnalysisConfig,
    deps: AnalysisDeps,
    waker: Waker,
    shutdown: CancellationToken,
) -> Result<(), AnalysisError> {
    let gemini = Gemini::new(&config.gemini)?;
    tracing::info!(
        worker = config.worker,
        model = config.gemini.model,
        slots = config.max_concurrent_jobs,
        "analysing conversations"
    );
    Worker::new(Attempts { config, deps, gemini }).run(waker, shutdown).await;
    Ok(())
}
