//! The consumer's loop: pull, work, settle; hold what has to wait.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{ConsumerConfig, batch};
use crate::{
    handler::Handler,
    stream::{Consumer, Delivery, StreamError},
};

/// A batch of fewer events than this is small: there is no backlog.
const SMALL: usize = 16;

/// Runs until the shutdown, or until the stream fails. `worked` becomes true when the stream has
/// served a pull and taken all that became of it.
pub(super) async fn run(
    consumer: &mut dyn Consumer,
    handler: &dyn Handler,
    config: &ConsumerConfig,
    shutdown: &CancellationToken,
    worked: &mut bool,
) -> Result<(), StreamError> {
    while !shutdown.is_cancelled() {
        let pull = consumer.pull(handler.max_batch(), config.pull_wait);
        let batch = tokio::select! {
            batch = pull => batch?,
            () = shutdown.cancelled() => return Ok(()),
        };
        let (pulled, small) = (Instant::now(), (1..SMALL).contains(&batch.len()));
        handle(consumer, handler, config, shutdown, batch).await?;
        *worked = true;
        if small {
            let gathering = tokio::time::sleep_until(pulled + config.gather);
            let _stopped = shutdown.run_until_cancelled(gathering).await;
        }
    }
    Ok(())
}

/// Handles a batch to its end. Deliveries that have to wait stay in hand, so that waiting spends no
/// delivery; a shutdown gives them back.
async fn handle(
    consumer: &mut dyn Consumer,
    handler: &dyn Handler,
    config: &ConsumerConfig,
    shutdown: &CancellationToken,
    mut batch: Vec<Delivery>,
) -> Result<(), StreamError> {
    let mut pauses = 0;
    while !batch.is_empty() {
        let started = Instant::now();
        let outcome = batch::work(handler, config, batch).await;
        metrics::histogram!("nexus_consumer_batch_seconds", "consumer" => handler.name())
            .record(started.elapsed().as_secs_f64());
        if !outcome.settled.is_empty() {
            consumer.settle(outcome.settled).await?;
        }
        batch = outcome.held;
        if let Some(reason) = outcome.reason {
            pauses += 1;
            tracing::warn!(consumer = handler.name(), %reason, "the consumer pauses");
            let pause = config.pause.pause(pauses);
            if !hold(consumer, &batch, handler.ack_timeout(), pause, shutdown).await? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Waits and keeps the deliveries. False at the shutdown.
async fn hold(
    consumer: &mut dyn Consumer,
    batch: &[Delivery],
    ack_timeout: Duration,
    pause: Duration,
    shutdown: &CancellationToken,
) -> Result<bool, StreamError> {
    let tokens: Vec<u64> = batch.iter().map(|delivery| delivery.token).collect();
    let until = Instant::now() + pause;
    while Instant::now() < until {
        consumer.extend(&tokens).await?;
        let step = until.min(Instant::now() + ack_timeout / 3);
        if shutdown.run_until_cancelled(tokio::time::sleep_until(step)).await.is_none() {
            return Ok(false);
        }
    }
    consumer.extend(&tokens).await?;
    Ok(true)
}
