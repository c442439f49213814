//! Keeps the slots filled.
//!
//! A slot that becomes free takes the next job at once; a job that waits for its next attempt waits
//! in the store, in nobody's slot. So one slow job stalls nobody.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use nexus_store::{
    StoreError,
    analyses::{JobStatus, LeaseRequest, LeasedJob},
};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    announce::{Announcer, Subject},
    attempt::{Attempts, Ended, Outcome, after},
    exceeded::fail_exceeded,
    wake::Waker,
};

/// A lease is extended at least so often, which is also how soon a cancelled run is noticed.
const MAX_HEARTBEAT: Duration = Duration::from_secs(10);
/// However often it is asked for, the queue is looked at no more often than this.
const MIN_POLL: Duration = Duration::from_millis(1);
/// How long a worker waits before it tells a store that is down once more.
const STORE_WAIT: Duration = Duration::from_secs(1);

/// One process's share of the work.
pub(crate) struct Worker {
    attempts: Attempts,
    announcer: Announcer,
    /// Whether the budget was used up when it was looked at last; said once.
    was_spent: AtomicBool,
}

impl Worker {
    pub fn new(attempts: Attempts) -> Arc<Self> {
        let deps = attempts.deps.clone();
        let announcer = Announcer { deps, by: attempts.config.worker.clone() };
        Arc::new(Self { attempts, announcer, was_spent: AtomicBool::new(false) })
    }

    /// Works until `shutdown`, then lets running jobs finish for a while and gives the rest back.
    pub async fn run(self: Arc<Self>, waker: Waker, shutdown: CancellationToken) {
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        let mut polls = interval(self.attempts.config.poll_interval.max(MIN_POLL));
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !shutdown.is_cancelled() {
            self.fill(&mut running, &stop).await;
            metrics::gauge!("nexus_analysis_running_jobs").set(count(running.len()));
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = waker.woken() => {}
                _ = polls.tick() => self.tidy().await,
                Some(ended) = running.join_next() => log_panic(ended),
            }
        }
        self.drain(running, &stop).await;
    }

    /// Leases as many jobs as there are free slots.
    async fn fill(self: &Arc<Self>, running: &mut JoinSet<()>, stop: &CancellationToken) {
        let free = self.attempts.config.max_concurrent_jobs.saturating_sub(running.len());
        if free == 0 || !self.is_within_budget().await {
            return;
        }
        for job in self.lease(free).await {
            let (worker, stop) = (Arc::clone(self), stop.clone());
            running.spawn(worker.work_on(job, stop));
        }
    }

    async fn lease(&self, free: usize) -> Vec<LeasedJob> {
        let config = &self.attempts.config;
        let now = self.now();
        let request = LeaseRequest {
            worker: config.worker.clone(),
            now,
            until: after(now, config.job_timeout),
            max_jobs: u32::try_from(free).unwrap_or(u32::MAX),
            max_attempts: config.max_attempts,
        };
        let leased = self.attempts.deps.store.lease_analyses(&request).await;
        leased.unwrap_or_else(|error| {
            tracing::warn!(%error, "the queue of analyses cannot be read");
            Vec::new()
        })
    }

    /// Whether today's tokens are not used up. A job that runs may still exceed the budget.
    async fn is_within_budget(&self) -> bool {
        let Some(budget) = self.attempts.config.daily_token_budget else { return true };
        match self.attempts.deps.store.count_tokens_since(start_of_day(self.now())).await {
            Ok(spent) => {
                let is_spent = spent >= budget;
                if is_spent && !self.was_spent.swap(is_spent, Relaxed) {
                    tracing::warn!(
                        spent,
                        budget,
                        "today's tokens for analyses are used up: jobs wait"
                    );
                }
                self.was_spent.store(is_spent, Relaxed);
                !is_spent
            }
            Err(error) => {
                tracing::warn!(%error, "the tokens of analyses cannot be counted");
                false
            }
        }
    }

    /// Jobs whose worker vanished during their last attempt are in nobody's hands.
    async fn tidy(&self) {
        let (config, deps) = (&self.attempts.config, &self.attempts.deps);
        if let Err(error) = fail_exceeded(deps, &config.worker, config.max_attempts).await {
            tracing::warn!(%error, "the queue of analyses cannot be tidied");
        }
    }

    async fn work_on(self: Arc<Self>, job: LeasedJob, stop: CancellationToken) {
        self.announcer.live("", Subject::from(&job), JobStatus::Processing);
        let cancel = stop.child_token();
        let done = CancellationToken::new();
        // Should this unwind, the heart stops, and the lease ends by itself.
        let unwound = done.clone().drop_guard();
        let heart = tokio::spawn({
            let (worker, job) = (Arc::clone(&self), job.clone());
            let (cancel, done) = (cancel.clone(), done.clone());
            async move { worker.keep_alive(&job, &cancel, &done).await }
        });
        let ended = self.attempts.make(&job, &cancel).await;
        drop(unwound);
        log_panic(heart.await);
        self.settle(&job, ended).await;
    }

    /// Extends the lease until the work is `done`, or, when the lease is lost, breaks it off. Never
    /// stopped in the middle of a statement.
    async fn keep_alive(
        &self,
        job: &LeasedJob,
        cancel: &CancellationToken,
        done: &CancellationToken,
    ) {
        let timeout = self.attempts.config.job_timeout;
        loop {
            tokio::select! {
                () = done.cancelled() => return,
                () = sleep((timeout / 3).min(MAX_HEARTBEAT)) => {}
            }
            let until = after(self.now(), timeout);
            match self.attempts.deps.store.extend_analysis(job, until).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::info!(job = %job.job_id, "an analysis was taken away while it ran");
                    return cancel.cancel();
                }
                Err(error) => tracing::warn!(job = %job.job_id, %error, "a lease is not extended"),
            }
        }
    }

    async fn settle(&self, job: &LeasedJob, ended: Ended) {
        let Ended { domain, outcome } = ended;
        let outcome_name = match &outcome {
            Outcome::Done(_) => "completed",
            Outcome::Failed(_) => "failed",
            Outcome::Unspent(_) => "unspent",
        };
        metrics::counter!("nexus_analysis_attempts_total", "outcome" => outcome_name).increment(1);
        match outcome {
            Outcome::Done(done) => {
                let detail = format!(
                    "{} with data: {}",
                    shown(done.end.model.as_deref()),
                    done.data.is_some()
                );
                let store = &self.attempts.deps.store;
                if self.insist(job, || store.complete_analysis(job, &done)).await {
                    self.announcer.completed(&domain, Subject::from(job), &detail).await;
                }
            }
            Outcome::Failed(failure) => {
                tracing::warn!(
                    job = %job.job_id, attempt = job.attempt, kind = failure.kind,
                    error = failure.message, again = failure.retry_at.is_some(),
                    "an attempt at an analysis failed"
                );
                let store = &self.attempts.deps.store;
                if self.insist(job, || store.fail_analysis(job, &failure)).await {
                    self.failed(&domain, job, failure.retry_at, &failure.message).await;
                }
            }
            Outcome::Unspent(due_at) => self.give_back(job, due_at).await,
        }
    }

    async fn failed(
        &self,
        domain: &str,
        job: &LeasedJob,
        retry_at: Option<Timestamp>,
        reason: &str,
    ) {
        match retry_at {
            Some(_) => self.announcer.live(domain, Subject::from(job), JobStatus::Pending),
            None => self.announcer.failed(domain, Subject::from(job), reason).await,
        }
    }

    /// Writes a result, however long the store is down, for as long as the lease could have lived.
    /// False when the lease was lost.
    async fn insist<F>(&self, job: &LeasedJob, write: impl Fn() -> F) -> bool
    where
        F: Future<Output = Result<bool, StoreError>>,
    {
        let give_up = after(self.now(), self.attempts.config.job_timeout);
        loop {
            match write().await {
                Ok(held) => return held,
                Err(error) if error.is_transient() && self.now() < give_up => {
                    tracing::warn!(job = %job.job_id, %error, "a result cannot be written yet");
                    sleep(STORE_WAIT).await;
                }
                Err(error) => {
                    tracing::error!(job = %job.job_id, %error, "a result cannot be written");
                    return false;
                }
            }
        }
    }

    async fn give_back(&self, job: &LeasedJob, due_at: Timestamp) {
        let released = self.attempts.deps.store.release_analysis(job, self.now(), due_at).await;
        match released {
            Ok(true) => self.announcer.live("", Subject::from(job), JobStatus::Pending),
            Ok(false) => {}
            // Its lease ends by itself.
            Err(error) => tracing::warn!(job = %job.job_id, %error, "a job is not given back"),
        }
    }

    async fn drain(&self, mut running: JoinSet<()>, stop: &CancellationToken) {
        let patience = sleep(self.attempts.config.drain_timeout);
        tokio::pin!(patience);
        while !running.is_empty() {
            tokio::select! {
                Some(ended) = running.join_next() => log_panic(ended),
                () = &mut patience, if !stop.is_cancelled() => stop.cancel(),
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.attempts.deps.clock.now()
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "an analysis ended in a panic; its lease will end by itself");
    }
}

fn shown(model: Option<&str>) -> &str {
    model.unwrap_or("the model")
}

fn count(jobs: usize) -> f64 {
    u32::try_from(jobs).map_or(f64::MAX, f64::from)
}

fn start_of_day(now: Timestamp) -> Timestamp {
    let day = now.to_zoned(TimeZone::UTC).start_of_day();
    day.map_or(now, |day| day.timestamp())
}
