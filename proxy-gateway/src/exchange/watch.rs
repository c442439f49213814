//! The clocks that run while an answer is on its way.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// What is said of an upstream from which nothing comes, before an answer and in it.
pub const SILENCE: &str = "the upstream sent nothing for too long";

/// Ends an answer that takes too long as a whole, or in which nothing comes any more.
pub struct Watch {
    deadline: Instant,
    idle: Duration,
    last_byte: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl Watch {
    pub fn new(deadline: Instant, idle: Duration) -> Self {
        let last_byte = Instant::now();
        let sleep = Box::pin(sleep_until(deadline.min(last_byte + idle)));
        Self { deadline, idle, last_byte, sleep }
    }

    pub fn saw_byte(&mut self) {
        self.last_byte = Instant::now();
    }

    /// Ready when time is over, with the reason. The timer is set anew only when it rings: bytes
    /// come far more often than time-outs.
    pub fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<&'static str> {
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            let now = Instant::now();
            if now >= self.deadline {
                return Poll::Ready("the request took too long");
            }
            let idle_until = self.last_byte + self.idle;
            if now >= idle_until {
                return Poll::Ready(SILENCE);
            }
            self.sleep.as_mut().reset(self.deadline.min(idle_until));
        }
    }
}
