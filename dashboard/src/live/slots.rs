//! How many streams may be open: per session, per address, in all.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{config::DashboardConfig, security::Visitor};

/// The bounds.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub per_session: usize,
    pub per_address: usize,
    pub total: usize,
}

impl Limits {
    pub const fn of(config: &DashboardConfig) -> Self {
        Self {
            per_session: config.max_streams_per_session,
            per_address: config.max_streams_per_address,
            total: config.max_streams,
        }
    }
}

/// Counts open streams. The tables hold only open ones, so `total` bounds them.
#[derive(Debug, Clone)]
pub struct Slots {
    limits: Limits,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_session: HashMap<String, usize>,
    by_address: HashMap<IpAddr, usize>,
}

/// One open stream; gives its place back when dropped.
#[derive(Debug)]
pub struct Slot {
    session: Option<String>,
    address: IpAddr,
    open: Arc<Mutex<Open>>,
}

impl Slots {
    pub fn new(limits: Limits) -> Self {
        Self { limits, open: Arc::default() }
    }

    /// A place, or `None` when one of the bounds is reached.
    pub fn take(&self, visitor: &Visitor) -> Option<Slot> {
        let session = visitor.session.as_ref().map(|session| session.id.clone());
        let address = visitor.address;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_session =
            session.as_ref().and_then(|id| open.by_session.get(id)).copied().unwrap_or(0);
        let of_address = open.by_address.get(&address).copied().unwrap_or(0);
        let full = open.total >= self.limits.total
            || of_session >= self.limits.per_session
            || of_address >= self.limits.per_address;
        if full {
            return None;
        }
        open.total += 1;
        *open.by_address.entry(address).or_default() += 1;
        if let Some(id) = &session {
            *open.by_session.entry(id.clone()).or_default() += 1;
        }
        Some(Slot { session, address, open: Arc::clone(&self.open) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        release(&mut open.by_address, &self.address);
        if let Some(id) = &self.session {
            release(&mut open.by_session, id);
        }
    }
}

fn release<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor(last: u8) -> Visitor {
        let address = IpAddr::from([192, 0, 2, last]);
        Visitor { session: None, has_key: false, read_only: true, address }
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let slots = Slots::new(Limits { per_session: 9, per_address: 2, total: 3 });
        let first = slots.take(&visitor(1)).expect("free");
        let _second = slots.take(&visitor(1)).expect("free");
        assert!(slots.take(&visitor(1)).is_none(), "two per address");
        let _third = slots.take(&visitor(2)).expect("free");
        assert!(slots.take(&visitor(3)).is_none(), "three in all");
        drop(first);
        assert!(slots.take(&visitor(1)).is_some());
    }
}
