//! The role.

use std::sync::Arc;

use nexus_bus::{ConsumerConfig, ConsumerGone, Listener, consume};
use nexus_contract::LiveTopic;
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
    #[error(transparent)]
    Consumer(#[from] ConsumerGone),
}

/// Works until `shutdown`, then drains.
///
/// # Errors
/// When the role can't begin, or its consumer on the stream is gone.
pub async fn run(
    config: AnalysisConfig,
    deps: AnalysisDeps,
    shutdown: CancellationToken,
) -> Result<(), AnalysisError> {
    let gemini = Gemini::new(&config.gemini)?;
    tracing::info!(
        worker = config.worker,
        model = config.gemini.model,
        slots = config.max_concurrent_jobs,
        "analysing conversations"
    );
    let waker = Waker::default();
    let stream = Arc::clone(&deps.stream);
    let stop = shutdown.child_token();
    let analyses = Listener::about(deps.live.as_ref(), LiveTopic::Analysis);
    let listener = waker.listen(analyses, stop.clone());
    let consumer =
        consume(stream, Arc::new(waker.clone()), ConsumerConfig::default(), stop.clone());
    let worker = Worker::new(Attempts { config, deps, gemini }).run(waker.clone(), stop.clone());
    let consumer = async {
        let ended = consumer.await;
        // Whichever ends first takes the other one with it.
        stop.cancel();
        ended
    };
    let ((), ended, ()) = tokio::join!(worker, consumer, listener);
    Ok(ended?)
}
