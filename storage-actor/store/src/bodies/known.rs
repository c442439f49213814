//! Row numbers of content that was seen lately. Only what is committed goes in.

use jiff::civil::Date;
use moka::sync::Cache;

use super::keyed::Hash;

/// Nodes of the histories that grow now; an entry takes some 200 bytes.
const MAX_NODES: u64 = 32_768;
/// Frames and sets of headers: few come again, of many.
const MAX_OTHERS: u64 = 4_096;

/// A cache in front of the look-ups by hash. What a garbage collection removed may still be in here:
/// the foreign keys notice, and then the cache is [cleared](KnownContent::clear).
#[derive(Debug)]
pub struct KnownContent {
    pub(super) nodes: Cache<Hash, i64>,
    pub(super) frames: Cache<Hash, i64>,
    pub(super) header_sets: Cache<Hash, i64>,
    months: Cache<Date, ()>,
}

impl Default for KnownContent {
    fn default() -> Self {
        Self {
            nodes: Cache::new(MAX_NODES),
            frames: Cache::new(MAX_OTHERS),
            header_sets: Cache::new(MAX_OTHERS),
            months: Cache::new(1_024),
        }
    }
}

impl KnownContent {
    /// Whether the month has its partition of `usage`.
    pub(crate) fn has_month(&self, month: Date) -> bool {
        self.months.contains_key(&month)
    }

    /// It has one now.
    pub(crate) fn learn_month(&self, month: Date) {
        self.months.insert(month, ());
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.nodes.invalidate_all();
        self.frames.invalidate_all();
        self.header_sets.invalidate_all();
        self.months.invalidate_all();
    }
}
