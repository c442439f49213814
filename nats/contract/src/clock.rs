//! Time is passed in. `clippy.toml` bans the ambient clocks elsewhere.

use std::sync::Mutex;

use jiff::{Span, Timestamp};

/// The wall clock of one process.
pub trait Clock: Send + Sync + 'static {
    /// The current instant, with at least microsecond resolution. It may step backwards.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is told otherwise. For tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub fn new(at: Timestamp) -> Self {
        Self(Mutex::new(at))
    }

    /// Moves the clock by `by`, which may be negative.
    ///
    /// # Panics
    /// When the result leaves the range of [`Timestamp`].
    pub fn advance(&self, by: Span) {
        let mut at = self.lock();
        *at = at.checked_add(by).expect("a test's clock stays in range");
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Timestamp> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.lock()
    }
}
