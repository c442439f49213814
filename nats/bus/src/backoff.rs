//! How long to wait after a failure.

use std::time::Duration;

/// Pauses that double from `first` up to `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    pub first: Duration,
    pub max: Duration,
}

impl Backoff {
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self { first, max }
    }

    /// The pause after the `failures`-th failure in a row, counted from 1.
    pub fn pause(&self, failures: u32) -> Duration {
        let factor = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_bound() {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        let pauses = [1, 2, 3, 7, 40].map(|failures| backoff.pause(failures).as_millis());
        assert_eq!(pauses, [100, 200, 400, 5_000, 5_000]);
    }
}
