//! The id of an exchange: a UUIDv7, minted once at the gateway.

use std::{fmt, str::FromStr, sync::Arc, sync::Mutex};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::clock::Clock;

/// Names one exchange from the gateway's response header to the store's primary key.
///
/// Ids of one gateway sort in the order in which they were minted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExchangeId(pub Uuid);

impl ExchangeId {
    /// The id of an imported exchange whose own id is not a UUID: the same string always gives the
    /// same id (UUIDv5 in the namespace [`ExchangeId::IMPORT_NAMESPACE`]).
    pub fn from_external(external: &str) -> Self {
        match Uuid::parse_str(external) {
            Ok(id) => Self(id),
            Err(_not_a_uuid) => Self(Uuid::new_v5(&Self::IMPORT_NAMESPACE, external.as_bytes())),
        }
    }

    /// Namespace of the UUIDv5 of imported ids.
    pub const IMPORT_NAMESPACE: Uuid = Uuid::from_u128(0x6e65_7875_7300_5000_8000_0069_6d70_6f72);
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for ExchangeId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// Mints ids. Monotonic within a process even when the clock steps backwards.
pub struct IdSource {
    clock: Arc<dyn Clock>,
    random: Box<dyn Fn() -> u64 + Send + Sync>,
    /// Milliseconds and counter of the id minted last.
    last: Mutex<(u64, u16)>,
}

impl IdSource {
    /// `random` gives 64 fresh random bits a call.
    pub fn new(clock: Arc<dyn Clock>, random: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { clock, random: Box::new(random), last: Mutex::new((0, 0)) }
    }

    /// The next id. Within one millisecond, and while the clock is behind the last id, the 12 bits
    /// behind the time count up (RFC 9562, section 6.2, method 1); an overflow borrows the next
    /// millisecond.
    pub fn mint(&self) -> ExchangeId {
        let (millis, counter) = self.advance(self.clock.now());
        let mut random = [0u8; 10];
        random[0] = (counter >> 8) as u8 & 0x0f;
        random[1] = (counter & 0xff) as u8;
        random[2..].copy_from_slice(&(self.random)().to_be_bytes());
        ExchangeId(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    fn advance(&self, now: Timestamp) -> (u64, u16) {
        let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = match *last {
            (millis, _) if now > millis => (now, 0),
            (millis, 0x0fff) => (millis + 1, 0),
            (millis, counter) => (millis, counter + 1),
        };
        *last
    }
}

impl fmt::Debug for IdSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdSource").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn ids_grow_when_the_clock_steps_back_and_when_the_counter_overflows() {
        let clock =
            Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).expect("valid")));
        let ids = IdSource::new(clock.clone(), || 0);
        let mut before = ids.mint();
        for turn in 0..10_000 {
            if turn == 5_000 {
                clock.advance(-(24.hours()));
            }
            let id = ids.mint();
            assert!(id > before, "{id} follows {before}");
            before = id;
        }
        assert_eq!(before.0.get_version_num(), 7);
    }

    #[test]
    fn an_external_id_is_kept_when_it_is_a_uuid_and_derived_otherwise() {
        let uuid = "0197b1c0-0000-7000-8000-000000000001";
        assert_eq!(ExchangeId::from_external(uuid).to_string(), uuid);
        assert_eq!(ExchangeId::from_external("s01-001"), ExchangeId::from_external("s01-001"));
        assert_ne!(ExchangeId::from_external("s01-001"), ExchangeId::from_external("s01-002"));
    }
}
