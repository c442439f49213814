//! The clocks that run while an answer is on its way.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// What is said of an upstream from which nothing comes, before an answer and in it.
pub const SILENCE: &str = "the upstream sent nothing for too long";

const TOO_LONG: &str = "the request took too long";

const STOPPING: &str = "the gateway is stopping";

/// When an exchange has to be over: at an instant, and at the end of a stop's drain time.
pub struct Deadline {
    at: Instant,
    drained: CancellationToken,
}

impl Deadline {
    pub fn new(at: Instant, drained: CancellationToken) -> Self {
        Self { at, drained }
    }

    /// Whether time is left after `pause`.
    pub fn outlasts(&self, pause: Duration) -> bool {
        Instant::now() + pause < self.at
    }

    /// Why time is over, if it is.
    pub fn over(&self) -> Option<&'static str> {
        if self.drained.is_cancelled() {
            return Some(STOPPING);
        }
        (Instant::now() >= self.at).then_some(TOO_LONG)
    }

    /// Resolves when time is over, with the reason.
    pub async fn passed(&self) -> &'static str {
        tokio::select! {
            () = sleep_until(self.at) => TOO_LONG,
            () = self.drained.cancelled() => STOPPING,
        }
    }
}

/// Ends an answer that takes too long as a whole, or in which nothing comes any more.
pub struct Watch {
    deadline: Deadline,
    idle: Duration,
    last_byte: Instant,
    /// From the first wait on: an answer that is there at once needs none.
    clocks: Option<Clocks>,
}

struct Clocks {
    drained: Pin<Box<WaitForCancellationFutureOwned>>,
    sleep: Pin<Box<Sleep>>,
}

impl Watch {
    pub fn new(deadline: Deadline, idle: Duration) -> Self {
        Self { deadline, idle, last_byte: Instant::now(), clocks: None }
    }

    pub fn saw_byte(&mut self) {
        self.last_byte = Instant::now();
    }

    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// Ready when time is over, with the reason. The timer is set anew only when it rings: bytes
    /// come far more often than time-outs.
    pub fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<&'static str> {
        let (deadline, first) = (&self.deadline, self.last_byte + self.idle);
        let Clocks { drained, sleep } = self.clocks.get_or_insert_with(|| Clocks {
            drained: Box::pin(deadline.drained.clone().cancelled_owned()),
            sleep: Box::pin(sleep_until(deadline.at.min(first))),
        });
        if drained.as_mut().poll(cx).is_ready() {
            return Poll::Ready(STOPPING);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            let now = Instant::now();
            if now >= deadline.at {
                return Poll::Ready(TOO_LONG);
            }
            let idle_until = self.last_byte + self.idle;
            if now >= idle_until {
                return Poll::Ready(SILENCE);
            }
            sleep.as_mut().reset(deadline.at.min(idle_until));
        }
    }
}
