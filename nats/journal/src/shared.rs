//! What the handlers, the writer, the syncer and the reader have in common.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering, fence},
    },
};

use nexus_contract::Clock;
use tokio::sync::watch;

use crate::{queue::Queue, recording::Item, space::Space, stats::Stats, sync::Dirty};

pub(crate) struct Shared {
    pub queue: Queue<Item>,
    pub space: Space,
    pub dirty: Dirty,
    pub stats: Stats,
    pub clock: Arc<dyn Clock>,
    /// Up to where the segments are written.
    pub position: watch::Sender<Position>,
    /// Largest payload of a frame.
    pub max_payload: usize,
    /// No room for new exchanges.
    full: AtomicBool,
    /// The disk gave no file for the segment that was needed last.
    disk_fails: AtomicBool,
    /// Exchanges whose tombstone waits for room.
    waiting: AtomicU64,
    written: AtomicU64,
}

/// A place in the journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub segment: u64,
    pub offset: u64,
    /// The journal is closed: nothing is written behind it.
    pub is_final: bool,
}

impl Shared {
    pub fn new(
        queue_bytes: usize,
        max_payload: usize,
        space: Space,
        clock: Arc<dyn Clock>,
        start: Position,
    ) -> Self {
        Self {
            queue: Queue::new(queue_bytes),
            space,
            dirty: Dirty::default(),
            stats: Stats::default(),
            clock,
            position: watch::Sender::new(start),
            max_payload,
            full: AtomicBool::new(false),
            disk_fails: AtomicBool::new(false),
            waiting: AtomicU64::new(0),
            written: AtomicU64::new(0),
        }
    }

    /// Whether the item that was appended as `appended` was written (or counted as lost).
    pub fn is_written(&self, appended: u64) -> bool {
        self.written.load(Ordering::Acquire) >= appended
    }

    /// Whether segments get scarce: what is in the way of freeing them should move.
    pub fn is_tight(&self) -> bool {
        self.space.live_bytes() > self.space.max_bytes() / 2
    }

    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    pub fn set_full(&self) {
        self.full.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        // Room that was given back just before this would be given back by nobody again.
        if self.space.has_room() {
            self.full.store(false, Ordering::Relaxed);
        }
    }

    pub fn disk_fails(&self) -> bool {
        self.disk_fails.load(Ordering::Relaxed)
    }

    pub fn set_disk_fails(&self, fails: bool) {
        self.disk_fails.store(fails, Ordering::Relaxed);
    }

    /// Where nothing is recorded nobody else finds out that there is room again.
    pub fn look_for_room(&self) {
        self.retry_waiting();
        if self.disk_fails() {
            self.dirty.mark_begun();
        }
    }

    /// Has the writer take up the ends that wait, if any do.
    fn retry_waiting(&self) {
        if self.waiting() > 0 {
            self.queue.nudge();
        }
    }

    /// Gives a segment's file back; there is room again.
    pub fn free(&self, sequence: u64) -> io::Result<()> {
        self.space.free(sequence)?;
        fence(Ordering::SeqCst);
        if self.space.has_room() {
            self.full.store(false, Ordering::Relaxed);
        }
        self.retry_waiting();
        self.measure();
        Ok(())
    }

    /// Sets the gauges.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    pub fn measure(&self) {
        metrics::gauge!("nexus_journal_used_bytes").set(self.space.live_bytes() as f64);
        metrics::gauge!("nexus_journal_max_bytes").set(self.space.max_bytes() as f64);
        metrics::gauge!("nexus_journal_queued_bytes").set(self.queue.held() as f64);
    }

    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Set by the writer alone, after every batch: what it is done with is in one of the counts.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    pub fn set_waiting(&self, waiting: u64) {
        self.waiting.store(waiting, Ordering::Relaxed);
        metrics::gauge!("nexus_journal_waiting_tombstones").set(waiting as f64);
    }

    pub fn set_written(&self, appended: u64) {
        self.written.store(appended, Ordering::Release);
    }
}
