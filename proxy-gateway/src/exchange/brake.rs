//! Keeps a source from being read faster than the journal's writer can follow.

use std::{
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{FutureExt, future::LocalBoxFuture};
use nexus_journal::Recording;
use tokio::time::Instant;

/// Before a body, in either direction.
#[derive(Default)]
pub struct Brake {
    wait: Option<Wait>,
    /// Time that the waits before took.
    waited: Duration,
}

struct Wait {
    room: LocalBoxFuture<'static, ()>,
    since: Instant,
}

impl Brake {
    /// Ready when the body's next bytes may be read, with whether they had to wait.
    pub fn poll(&mut self, recording: Option<&Recording>, cx: &mut Context<'_>) -> Poll<bool> {
        if self.wait.is_none() {
            let behind = recording.filter(|recording| !recording.has_room());
            self.wait = behind.map(|recording| Wait {
                room: recording.room().boxed_local(),
                since: Instant::now(),
            });
        }
        let Some(wait) = &mut self.wait else { return Poll::Ready(false) };
        ready!(wait.room.as_mut().poll(cx));
        self.waited = self.held();
        self.wait = None;
        Poll::Ready(true)
    }

    /// Whether the body waits for the journal, as far as the last poll knows.
    pub fn is_on(&self) -> bool {
        self.wait.is_some()
    }

    /// How long the body was held back, with the wait under way.
    pub fn held(&self) -> Duration {
        self.waited + self.wait.as_ref().map_or(Duration::ZERO, |wait| wait.since.elapsed())
    }
}
