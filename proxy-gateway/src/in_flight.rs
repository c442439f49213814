//! A bound on the bytes of request bodies that all exchanges hold together.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::upstream::BodyLength;

/// What a body without a stated length is charged.
const UNKNOWN: u64 = 1 << 20;

/// The bound and how much of it is taken.
pub struct InFlight {
    taken: Arc<AtomicU64>,
    max: u64,
}

/// A part of the bound, given back when dropped.
pub struct Share {
    taken: Arc<AtomicU64>,
    bytes: u64,
}

impl InFlight {
    pub fn new(max: u64) -> Self {
        Self { taken: Arc::default(), max }
    }

    /// Room for a body; `None` when there is none now. A single request always has room.
    pub fn take(&self, length: BodyLength) -> Option<Share> {
        let bytes = match length {
            BodyLength::Absent => 0,
            BodyLength::Sized(bytes) => bytes,
            BodyLength::Chunked => UNKNOWN,
        };
        let before = self.taken.fetch_add(bytes, Relaxed);
        let share = Share { taken: self.taken.clone(), bytes };
        (before == 0 || before.saturating_add(bytes) <= self.max).then_some(share)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_given_back() {
        let room = InFlight::new(10);
        let first = room.take(BodyLength::Sized(6)).expect("room");
        assert!(room.take(BodyLength::Sized(6)).is_none());
        assert!(room.take(BodyLength::Sized(4)).is_some());
        drop(first);
        assert!(room.take(BodyLength::Sized(60)).is_some(), "alone, anything passes");
    }
}
