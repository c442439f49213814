//! The sync thread: `fdatasync` behind the writer's back, and the next segments' files.

use std::{
    fs::File,
    io::Seek,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{segment, shared::Shared};

/// Files with bytes that are not on the platter yet.
#[derive(Default)]
pub(crate) struct Dirty {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    files: Vec<Arc<File>>,
    /// A segment was begun: names changed, and a spare file is missing.
    begun: bool,
    stopped: bool,
}

/// One round's work.
struct Round {
    files: Vec<Arc<File>>,
    begun: bool,
    last: bool,
}

impl Dirty {
    pub fn mark(&self, file: &Arc<File>) {
        let mut state = self.lock();
        if !state.files.iter().any(|known| Arc::ptr_eq(known, file)) {
            state.files.push(file.clone());
            self.wake.notify_one();
        }
    }

    pub fn mark_begun(&self) {
        self.lock().begun = true;
        self.wake.notify_one();
    }

    pub fn stop(&self) {
        self.lock().stopped = true;
        self.wake.notify_one();
    }

    /// Waits for work, then `interval` longer so that one sync serves many writes.
    fn next(&self, interval: Duration) -> Round {
        let mut state = self.lock();
        while state.files.is_empty() && !state.begun && !state.stopped {
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.stopped {
            let pause = self.wake.wait_timeout_while(state, interval, |state| !state.stopped);
            state = pause.unwrap_or_else(PoisonError::into_inner).0;
        }
        let files = std::mem::take(&mut state.files);
        Round { files, begun: std::mem::take(&mut state.begun), last: state.stopped }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until [`Dirty::stop`]; the last round is done before it returns.
pub(crate) fn run(shared: &Shared, interval: Duration) {
    loop {
        let round = shared.dirty.next(interval);
        for file in &round.files {
            // Before the sync: what is written meanwhile is not on the platter.
            let written = (&**file).stream_position();
            // What could not be synced may be in memory alone.
            if sync(shared, file) && shared.space.is_long() {
                segment::forget(file, written.unwrap_or(0));
            }
        }
        shared.measure();
        if round.begun && !round.last {
            prepare(shared);
        }
        if round.last {
            return;
        }
    }
}

/// Whether all is on the platter.
fn sync(shared: &Shared, file: &File) -> bool {
    let started = std::time::Instant::now();
    let synced = file.sync_data();
    if let Err(error) = &synced {
        shared.stats.disk_errors(1);
        tracing::error!(%error, "the journal could not be synced");
    }
    metrics::histogram!("nexus_journal_sync_seconds").record(started.elapsed().as_secs_f64());
    synced.is_ok()
}

fn prepare(shared: &Shared) {
    let prepared = shared.space.prepare();
    if prepared.is_ok() || shared.space.has_spare() {
        shared.set_disk_fails(false);
    }
    if let Err(error) = prepared {
        shared.stats.disk_errors(1);
        // Where it fails for the writer as well, that has said so.
        if !shared.disk_fails() {
            tracing::warn!(%error, "no file could be reserved for the journal's next segment");
        }
    }
}
