//! The running parts of a process, in two groups: the front serves people and clients and stops
//! first; the back carries events and stops when nothing new can come.

use std::{future::Future, time::Duration};

use anyhow::anyhow;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long the back may take to settle what it has in hand.
const BACK_TIMEOUT: Duration = Duration::from_secs(15);

type Ended = (&'static str, anyhow::Result<()>);

/// One group and the token that stops it.
#[derive(Default)]
pub struct Group {
    tasks: JoinSet<Ended>,
    pub stop: CancellationToken,
}

impl Group {
    /// Runs `part` on this thread's event loop until it ends by itself or by `stop`.
    pub fn spawn(
        &mut self,
        name: &'static str,
        part: impl Future<Output = anyhow::Result<()>> + 'static,
    ) {
        self.tasks.spawn_local(async move { (name, part.await) });
    }

    /// The first part that ends; waits for ever while there is none.
    async fn first_end(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            Some(Ok((name, Ok(())))) => anyhow!("the {name} ended by itself"),
            Some(Ok((name, Err(error)))) => error.context(format!("the {name} failed")),
            Some(Err(panicked)) => anyhow!(panicked).context("a part of the process is gone"),
            None => std::future::pending().await,
        }
    }

    /// Waits for all parts to end after `stop`; gives the failures among them.
    async fn join(&mut self) -> Vec<anyhow::Error> {
        let mut failures = Vec::new();
        while let Some(ended) = self.tasks.join_next().await {
            match ended {
                Ok((_, Ok(()))) => {}
                Ok((name, Err(error))) => {
                    failures.push(error.context(format!("the {name} failed while stopping")));
                }
                Err(panicked) => failures.push(panicked.into()),
            }
        }
        failures
    }
}

/// Runs both groups until `shutdown` or until a part ends, then stops front before back.
pub async fn run(
    mut front: Group,
    mut back: Group,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let ended = tokio::select! {
        () = shutdown.cancelled() => None,
        error = front.first_end() => Some(error),
        error = back.first_end() => Some(error),
    };
    if let Some(error) = &ended {
        tracing::error!(error = format!("{error:#}"), "a part of the process ended: stopping");
    }
    front.stop.cancel();
    let mut failures = front.join().await;
    back.stop.cancel();
    match tokio::time::timeout(BACK_TIMEOUT, back.join()).await {
        Ok(more) => failures.extend(more),
        // What is unsettled is delivered again after the next start.
        Err(_elapsed) => tracing::warn!("consumers did not stop in time"),
    }
    match ended.into_iter().chain(failures).next() {
        None => Ok(()),
        Some(error) => Err(error),
    }
}
