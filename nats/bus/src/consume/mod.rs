//! The consumer actor: carries a stream to a role's [`Handler`].
//!
//! Every consumer runs on a thread of its own, so that a handler's work on the CPU delays neither
//! HTTP nor another role. A handler that computes for more than some milliseconds between two waits
//! should still use `tokio::task::spawn_blocking`, or its own statements to the store wait too.
//!
//! An actor whose stream fails is restarted by its supervisor, after a pause. One that is gone for
//! good (the stream refuses it, or it panicked outside of the handler) is an error of [`consume`]:
//! the process should end then.

mod batch;
mod work;

use std::{sync::Arc, time::Duration};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Supervised, Supervisor};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    handler::Handler,
    stream::{ConsumerSpec, EventStream, StreamError},
    yielding::give_way,
};

/// Settings of a consumer.
#[derive(Debug, Clone, Copy)]
pub struct ConsumerConfig {
    /// Failed deliveries after which an event goes to the dead letters.
    pub max_deliveries: u32,
    /// How long a pull waits for the first event.
    pub pull_wait: Duration,
    /// After a small batch, how long since its pull until the next one: what comes in between shares
    /// a transaction. The first event after a quiet time is not delayed.
    pub gather: Duration,
    /// Pauses while what the handler needs is not there ([`Verdict::Later`](crate::Verdict)).
    pub pause: Backoff,
    /// Pauses before an event that failed is delivered again.
    pub retry: Backoff,
    /// Pauses before the actor is restarted after the stream failed.
    pub restart: Backoff,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        let first = Duration::from_millis(200);
        Self {
            max_deliveries: 5,
            pull_wait: Duration::from_secs(5),
            gather: Duration::from_millis(50),
            pause: Backoff::new(first, Duration::from_secs(5)),
            retry: Backoff::new(first, Duration::from_secs(30)),
            restart: Backoff::new(first, Duration::from_secs(5)),
        }
    }
}

/// The consumer does not run any more, and nobody asked it to stop.
#[derive(Debug, Error)]
pub enum ConsumerGone {
    #[error("consumer {0} is gone: {1}")]
    Refused(&'static str, StreamError),
    #[error("consumer {0} is gone: its actor panicked")]
    Panicked(&'static str),
    #[error("consumer {0} can't begin: {1}")]
    Thread(&'static str, std::io::Error),
}

/// Runs the consumer until `shutdown`. The batch at work is finished and settled first.
///
/// # Errors
/// When the consumer ended by itself. It will not come back: end the process.
pub async fn consume(
    stream: Arc<dyn EventStream>,
    handler: Arc<dyn Handler>,
    config: ConsumerConfig,
    shutdown: CancellationToken,
) -> Result<(), ConsumerGone> {
    let name = handler.name();
    let (done, end) = oneshot::channel();
    let actor = ConsumerActor { stream, handler, config, shutdown, failures: 0, done: Some(done) };
    let (over, joined) = oneshot::channel();
    std::thread::Builder::new()
        .name(format!("consumer-{name}"))
        .spawn(move || {
            give_way();
            let result = actix::System::new().block_on(async {
                let _actor = Supervisor::start(|_context| actor);
                end.await
            });
            // Nobody may listen any more.
            let _gone = over.send(result);
        })
        .map_err(|error| ConsumerGone::Thread(name, error))?;
    match joined.await {
        Ok(Ok(result)) => result.map_err(|error| ConsumerGone::Refused(name, error)),
        // The sender was dropped without a word: by an unwinding actor, or with its thread.
        Ok(Err(_)) | Err(_) => Err(ConsumerGone::Panicked(name)),
    }
}

struct ConsumerActor {
    stream: Arc<dyn EventStream>,
    handler: Arc<dyn Handler>,
    config: ConsumerConfig,
    shutdown: CancellationToken,
    /// Of the stream, in a row.
    failures: u32,
    done: Option<oneshot::Sender<Result<(), StreamError>>>,
}

impl Actor for ConsumerActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let run = actix::fut::wrap_future(run(
            self.stream.clone(),
            self.handler.clone(),
            self.config,
            self.shutdown.clone(),
            self.failures,
        ));
        context.spawn(run.map(|(result, worked), actor: &mut Self, context| {
            if actor.ended(result, worked) {
                // The supervisor begins it anew.
                context.stop();
            }
        }));
    }
}

impl Supervised for ConsumerActor {
    fn restarting(&mut self, _context: &mut Self::Context) {
        let consumer = self.handler.name();
        metrics::counter!("nexus_consumer_restarts_total", "consumer" => consumer).increment(1);
    }
}

impl ConsumerActor {
    /// Whether to restart: after a transient failure. Everything else is the end. One while stopping
    /// is no failure of the consumer: what it could not settle is delivered again.
    fn ended(&mut self, result: Result<(), StreamError>, worked: bool) -> bool {
        let result = match result {
            Err(error) if error.is_transient() => {
                tracing::warn!(consumer = self.handler.name(), %error, "the stream failed");
                self.failures = if worked { 1 } else { self.failures + 1 };
                if !self.shutdown.is_cancelled() {
                    return true;
                }
                Ok(())
            }
            result => result,
        };
        if let Some(done) = self.done.take() {
            let _gone = done.send(result);
        }
        false
    }
}

/// One life of the actor; and whether it got any work done. What is given back comes again at once:
/// without that distinction an event that can't be settled would come again and again without pause.
async fn run(
    stream: Arc<dyn EventStream>,
    handler: Arc<dyn Handler>,
    config: ConsumerConfig,
    shutdown: CancellationToken,
    failures: u32,
) -> (Result<(), StreamError>, bool) {
    if failures > 0 {
        let pause = tokio::time::sleep(config.restart.pause(failures));
        if shutdown.run_until_cancelled(pause).await.is_none() {
            return (Ok(()), false);
        }
    }
    let spec = ConsumerSpec {
        name: handler.name().to_owned(),
        kinds: handler.kinds().to_vec(),
        ack_timeout: handler.ack_timeout(),
    };
    match stream.consumer(spec).await {
        Ok(mut consumer) => {
            let mut worked = false;
            let life = work::run(&mut *consumer, &*handler, &config, &shutdown, &mut worked);
            let result = life.await;
            if let Err(error) = consumer.give_back().await {
                tracing::debug!(consumer = handler.name(), %error, "not given back so far");
            }
            (result, worked)
        }
        Err(error) => (Err(error), false),
    }
}
