//! What happened to exchanges and bytes. Every loss is in one of these counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use metrics::Counter;
use serde::Serialize;

/// Why frames of an exchange are not in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LossReason {
    /// The journal is at its bound.
    Full = 1,
    /// The disk did not keep up; the queue in front of the writer is at its bound.
    Queue = 2,
    /// The disk refused.
    Disk = 3,
}

impl LossReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "journal_full",
            Self::Queue => "queue_full",
            Self::Disk => "disk_error",
        }
    }

    pub(crate) const fn parse(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Full),
            2 => Some(Self::Queue),
            3 => Some(Self::Disk),
            _ => None,
        }
    }
}

/// A count, and its handle among the metrics: to look for that each time would cost more than to count.
#[derive(Debug)]
struct Count {
    value: AtomicU64,
    metric: Counter,
}

impl Count {
    /// Shown from the start: of a count that begins at one nobody sees that it rose.
    fn new(metric: Counter) -> Self {
        metric.increment(0);
        Self { value: AtomicU64::new(0), metric }
    }

    fn add(&self, by: u64) {
        self.value.fetch_add(by, Relaxed);
        self.metric.increment(by);
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident => $metric:literal,)*) => {
        #[derive(Debug)]
        pub(crate) struct Stats { $($name: Count,)* }

        impl Default for Stats {
            fn default() -> Self {
                Self { $($name: Count::new(metrics::counter!($metric)),)* }
            }
        }

        /// Counts since the process began.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct Counts { $($(#[$doc])* pub $name: u64,)* }

        impl Stats {
            $(pub fn $name(&self, by: u64) {
                self.$name.add(by);
            })*

            pub fn counts(&self) -> Counts {
                Counts { $($name: self.$name.value.load(Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Exchanges that the gateway began to record.
    begun => "nexus_journal_exchanges_total",
    /// Exchanges whose last frame is in the journal, all frames before it too.
    ended => "nexus_journal_ended_total",
    /// Exchanges of which frames were lost and a tombstone is in the journal.
    tombstones => "nexus_journal_tombstones_total",
    /// Exchanges that left nothing in the journal.
    lost => "nexus_journal_lost_total",
    /// Bytes were released to the client before the writer was done.
    late => "nexus_journal_late_total",
    /// Frames written.
    frames => "nexus_journal_frames_total",
    /// Bytes written.
    bytes => "nexus_journal_written_bytes",
    /// Writes or syncs that the disk refused.
    disk_errors => "nexus_journal_disk_errors_total",
    /// Found while reading: frames whose bytes are damaged or cut off.
    damaged => "nexus_journal_damaged_frames_total",
    /// Found while reading: exchanges that a process before left without an end.
    aborted => "nexus_journal_aborted_total",
    /// Found while reading: exchanges of which no head is left, acknowledged before or damaged.
    headless => "nexus_journal_headless_total",
}
