//! Wrong keys slow an address down.

use std::{net::IpAddr, time::Duration};

use jiff::Timestamp;
use moka::sync::Cache;

/// Addresses remembered at once; the oldest are forgotten first.
const MAX_ADDRESSES: u64 = 50_000;
/// Wrong keys that cost nothing: people mistype.
const FREE: u32 = 5;
const MEMORY: Duration = Duration::from_mins(15);

/// Counts wrong keys by address. From the sixth on, each doubles the wait, up to five minutes.
#[derive(Debug, Clone)]
pub struct LoginLimit(Cache<IpAddr, Failures>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last_at: Timestamp,
}

impl Default for LoginLimit {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_ADDRESSES).time_to_idle(MEMORY).build())
    }
}

impl LoginLimit {
    /// How long `address` has to wait before it may try again; `None` when it may now.
    pub fn wait(&self, address: IpAddr, now: Timestamp) -> Option<Duration> {
        let failures = self.0.get(&address)?;
        let pause = pause(failures.count);
        let passed = now.duration_since(failures.last_at).unsigned_abs();
        pause.checked_sub(passed).filter(|left| !left.is_zero())
    }

    pub fn failed(&self, address: IpAddr, now: Timestamp) {
        let count = self.0.get(&address).map_or(0, |failures| failures.count) + 1;
        self.0.insert(address, Failures { count, last_at: now });
    }

    pub fn succeeded(&self, address: IpAddr) {
        self.0.invalidate(&address);
    }
}

fn pause(count: u32) -> Duration {
    match count.checked_sub(FREE) {
        None | Some(0) => Duration::ZERO,
        Some(over) => Duration::from_secs(2u64.saturating_pow(over.min(9)).min(300)),
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn the_sixth_wrong_key_waits_and_the_right_one_forgives() {
        let limit = LoginLimit::default();
        let address = IpAddr::from([192, 0, 2, 1]);
        let now = Timestamp::from_second(1_800_000_000).expect("valid");
        for _ in 0..5 {
            limit.failed(address, now);
            assert_eq!(limit.wait(address, now), None);
        }
        limit.failed(address, now);
        assert_eq!(limit.wait(address, now), Some(Duration::from_secs(2)));
        assert_eq!(limit.wait(address, now + 2.seconds()), None);
        for _ in 0..40 {
            limit.failed(address, now);
        }
        assert_eq!(limit.wait(address, now), Some(Duration::from_mins(5)));
        limit.succeeded(address);
        assert_eq!(limit.wait(address, now), None);
    }
}
