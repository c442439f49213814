//! The circuit breaker: after a failure nothing is tried for a while, then one thing.

use tokio::time::Instant;

use crate::backoff::Backoff;

#[derive(Debug)]
pub(super) struct Breaker {
    backoff: Backoff,
    failures: u32,
    retry_at: Option<Instant>,
}

impl Breaker {
    pub fn new(backoff: Backoff) -> Self {
        Self { backoff, failures: 0, retry_at: None }
    }

    /// How many publications may be under way.
    pub fn allows(&self, now: Instant, most: usize) -> usize {
        match self.retry_at {
            None => most,
            Some(at) if at <= now => 1,
            Some(_) => 0,
        }
    }

    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.retry_at = None;
    }

    pub fn failed(&mut self, now: Instant) {
        self.failures += 1;
        self.retry_at = Some(now + self.backoff.pause(self.failures));
    }

    /// When it tries again, while it is open.
    pub fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_failures_it_tries_one_at_a_time() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut breaker = Breaker::new(Backoff::new(second, 4 * second));
        assert_eq!(breaker.allows(now, 4), 4);
        breaker.failed(now);
        assert_eq!((breaker.allows(now, 4), breaker.allows(now + second, 4)), (0, 1));
        breaker.failed(now + second);
        assert_eq!(breaker.retry_at(), Some(now + 3 * second));
        breaker.succeeded();
        assert_eq!(breaker.allows(now + second, 4), 4);
    }
}
