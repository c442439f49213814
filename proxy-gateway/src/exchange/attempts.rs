//! Calling the upstream until it answers: connection failures are tried again, answers are not,
//! unless the operator names their status.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use tokio::time::{Instant, sleep, sleep_until};

use super::{ledger::Ledger, upload::Upload, watch::Deadline};
use crate::{
    server::Worker,
    upstream::{Fields, Request, Response, UpstreamError},
};

/// Upper bounds of the pause before a further try; the pause is a random part of it.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// A pause that an upstream asks for and that is still worth waiting.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// A request that can be made several times.
pub struct Call<'a> {
    pub worker: &'a Worker,
    pub upload: &'a Upload,
    pub make: &'a dyn Fn() -> Request,
    pub deadline: &'a Deadline,
}

impl Call<'_> {
    /// The first answer that the client should see.
    pub async fn answer(&self, ledger: &mut Ledger) -> Result<Response, UpstreamError> {
        let mut fresh = false;
        for retry in 0.. {
            ledger.calling();
            let outcome = self.once(fresh).await;
            let Some(pause) = self.pause(&outcome, retry) else { return outcome };
            drop(outcome);
            fresh = true;
            self.worker.state.meters.retried();
            sleep(pause).await;
        }
        Err(UpstreamError::NoAnswer)
    }

    /// One try, as long as something happens.
    async fn once(&self, fresh: bool) -> Result<Response, UpstreamError> {
        tokio::select! {
            biased;
            outcome = self.worker.client.send((self.make)(), fresh) => outcome,
            () = self.silence() => Err(UpstreamError::Silent),
        }
    }

    /// Resolves when nothing of the request has gone up for too long, nor anything come of an answer.
    async fn silence(&self) {
        let (began, idle) = (Instant::now(), self.worker.state.config.upstream.idle_timeout);
        loop {
            let since = self.upload.untouched_since().max(began);
            if since.elapsed() >= idle {
                return;
            }
            sleep_until(since + idle).await;
        }
    }

    /// How long to wait before another try; `None` when this outcome stands.
    fn pause(&self, outcome: &Result<Response, UpstreamError>, retry: u32) -> Option<Duration> {
        let config = &self.worker.state.config.upstream;
        if retry >= config.max_retries || !self.upload.is_repeatable() {
            return None;
        }
        let backoff = || self.jitter(retry);
        let pause = match outcome {
            Err(error) => error.may_repeat().then(backoff)?,
            Ok(response) => {
                let status = response.status;
                let is_listed = config.retry_status.contains(&status.as_u16());
                // Another call on an account that is out of its limit only prolongs it.
                if !is_listed || status == StatusCode::TOO_MANY_REQUESTS {
                    return None;
                }
                let asked = retry_after(&response.fields).unwrap_or_default();
                (asked <= MAX_RETRY_AFTER).then(|| asked + backoff())?
            }
        };
        // The client is better served with what is there than with a time-out after the pause.
        self.deadline.outlasts(pause).then_some(pause)
    }

    /// Full jitter: anything from nothing to the bound, so that clients don't return together.
    fn jitter(&self, retry: u32) -> Duration {
        let bound = FIRST_PAUSE.saturating_mul(1 << retry.min(16)).min(MAX_PAUSE);
        let bound = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros((self.worker.state.deps.random)() % (bound + 1))
    }
}

fn retry_after(fields: &Fields) -> Option<Duration> {
    let (_, value) = fields.iter().find(|(name, _)| *name == header::RETRY_AFTER)?;
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
