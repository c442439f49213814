//! Keeps a source from being read faster than the journal's writer can follow.

use std::task::{Context, Poll, ready};

use futures::{FutureExt, future::LocalBoxFuture};
use nexus_journal::Recording;

/// Before a body, in either direction.
#[derive(Default)]
pub struct Brake(Option<LocalBoxFuture<'static, ()>>);

impl Brake {
    /// Ready when the body's next bytes may be read.
    pub fn poll(&mut self, recording: Option<&Recording>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.is_none() {
            let behind = recording.filter(|recording| !recording.has_room());
            self.0 = behind.map(|recording| recording.room().boxed_local());
        }
        if let Some(room) = &mut self.0 {
            ready!(room.as_mut().poll(cx));
            self.0 = None;
        }
        Poll::Ready(())
    }
}
