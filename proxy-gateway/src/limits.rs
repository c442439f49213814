//! Requests per window, per client key and per domain.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock, Reference},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

use crate::{
    access::Grant,
    config::{LimitConfig, RateLimit},
    domain::Domain,
    problem::Problem,
};

/// Keys that a limiter tells apart. When there are as many, all share one window, those that have
/// one of their own too, until a sweep makes room.
const MAX_KEYS: usize = 50_000;

/// The least time between two sweeps of a full limiter: a sweep looks at every window, which no
/// request may pay for alone while strangers keep the limiter full.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Both limits; each is off unless it is configured.
pub struct Limits {
    per_key: Option<Limiter>,
    per_domain: Option<Limiter>,
}

/// How the tightest limit stands after a request, for the answer's headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    pub limit: u32,
    pub remaining: u32,
}

impl Limits {
    pub fn new(config: &LimitConfig) -> Self {
        Self {
            per_key: config.per_key.and_then(Limiter::new),
            per_domain: config.per_domain.and_then(Limiter::new),
        }
    }

    /// Counts a request. `None` where no limit is set.
    pub fn check(&self, grant: &Grant, domain: &Domain) -> Result<Option<Allowance>, Problem> {
        // Clients without a key share one window.
        let key = || grant.fingerprint.map(hex::encode).unwrap_or_default();
        let by_key = self.per_key.as_ref().map(|limiter| limiter.check(&key())).transpose()?;
        let by_domain =
            self.per_domain.as_ref().map(|limiter| limiter.check(domain.as_str())).transpose()?;
        Ok([by_key, by_domain].into_iter().flatten().min_by_key(|allowance| allowance.remaining))
    }
}

struct Limiter {
    windows: RateLimiter<
        String,
        DefaultKeyedStateStore<String>,
        DefaultClock,
        StateInformationMiddleware,
    >,
    limit: u32,
    clock: DefaultClock,
    started: Instant,
    /// Nanoseconds from `started` to the last sweep.
    swept: AtomicU64,
}

type Instant = <DefaultClock as Clock>::Instant;

impl Limiter {
    fn new(limit: RateLimit) -> Option<Self> {
        let requests = NonZeroU32::new(limit.requests)?;
        let quota = Quota::with_period(limit.window / limit.requests)?.allow_burst(requests);
        let clock = DefaultClock::default();
        let windows = RateLimiter::dashmap_with_clock(quota, clock.clone())
            .with_middleware::<StateInformationMiddleware>();
        let started = clock.now();
        Some(Self { windows, limit: limit.requests, clock, started, swept: AtomicU64::new(0) })
    }

    fn check(&self, key: &str) -> Result<Allowance, Problem> {
        self.sweep(self.clock.now());
        let key = if self.is_full() { "" } else { key };
        match self.windows.check_key(&key.to_owned()) {
            Ok(state) => {
                Ok(Allowance { limit: self.limit, remaining: state.remaining_burst_capacity() })
            }
            Err(until) => {
                Err(Problem::RateLimited { limit: self.limit, retry_after: self.wait(&until) })
            }
        }
    }

    fn is_full(&self) -> bool {
        self.windows.len() >= MAX_KEYS
    }

    /// Makes room in a full limiter, as long after the last time as is due. Says whether it did.
    fn sweep(&self, now: Instant) -> bool {
        if !self.is_full() {
            return false;
        }
        let (now, last) = (now.duration_since(self.started).as_u64(), self.swept.load(Relaxed));
        let is_due = Duration::from_nanos(now.saturating_sub(last)) >= SWEEP_EVERY;
        // One of the threads that find it due does it.
        let is_ours = is_due && self.swept.compare_exchange(last, now, Relaxed, Relaxed).is_ok();
        if is_ours {
            self.windows.retain_recent();
        }
        is_ours
    }

    fn wait(&self, until: &NotUntil<Instant>) -> Duration {
        until.wait_time_from(self.clock.now())
    }
}

#[cfg(test)]
mod tests {
    use governor::nanos::Nanos;

    use super::*;
    use crate::{config::DomainSlack, exchange::Injected};

    fn grant(key: u8) -> Grant {
        Grant {
            account_id: None,
            injected: Injected::Nothing,
            fingerprint: Some([key; 32]),
            slack: DomainSlack::default(),
        }
    }

    fn limits(per_key: u32, per_domain: u32) -> Limits {
        let limit = |requests| {
            (requests > 0).then_some(RateLimit { requests, window: Duration::from_hours(1) })
        };
        Limits::new(&LimitConfig { per_key: limit(per_key), per_domain: limit(per_domain) })
    }

    #[test]
    fn keys_and_domains_are_counted_apart() {
        let limits = limits(2, 3);
        let a = Domain::parse("a.example").expect("valid");
        let b = Domain::parse("b.example").expect("valid");
        let remaining = |key, domain| {
            limits.check(&grant(key), domain).map(|left| left.map(|left| left.remaining))
        };
        assert_eq!(remaining(1, &a), Ok(Some(1)));
        assert_eq!(remaining(1, &a), Ok(Some(0)));
        let refused = remaining(1, &b).expect_err("this key is used up");
        let Problem::RateLimited { limit: 2, retry_after } = refused else { panic!("{refused:?}") };
        assert!(retry_after > Duration::from_secs(1) && retry_after <= Duration::from_mins(30));
        assert_eq!(remaining(2, &a), Ok(Some(0)), "the domain's third");
        assert!(remaining(3, &a).is_err());
    }

    #[test]
    fn nothing_is_limited_unless_it_is_set() {
        let domain = Domain::parse("a.example").expect("valid");
        assert_eq!(limits(0, 0).check(&grant(1), &domain), Ok(None));
    }

    /// A limiter as full as it gets, whose windows last for `window`.
    fn full(window: Duration) -> Limiter {
        let limiter = Limiter::new(RateLimit { requests: 2, window }).expect("a limit");
        for key in 0..MAX_KEYS {
            limiter.check(&key.to_string()).expect("its first request");
        }
        assert!(limiter.is_full());
        limiter
    }

    #[test]
    fn a_full_limiter_is_swept_once_a_second_however_many_requests_come() {
        let limiter = full(Duration::from_hours(1));
        let begin = limiter.clock.now();
        let after = |ms| begin + Nanos::from(Duration::from_millis(ms));
        limiter.swept.store(begin.duration_since(limiter.started).as_u64(), Relaxed);
        let sweeps = (0..5_000).filter(|ms| limiter.sweep(after(*ms))).count();
        assert_eq!(sweeps, 4, "at 1, 2, 3 and 4 seconds");
        let roomy = Limiter::new(RateLimit { requests: 2, window: Duration::from_hours(1) });
        assert!(!roomy.expect("a limit").sweep(after(9_000)), "nothing to make room for");
    }

    #[test]
    fn a_sweep_makes_room_for_newcomers() {
        // The first window is over long before the last one begins.
        let limiter = full(Duration::from_micros(1));
        let remaining = |key| limiter.check(key).map(|left| left.remaining);
        assert!(limiter.sweep(limiter.clock.now() + Nanos::from(SWEEP_EVERY)));
        assert!(!limiter.is_full());
        assert_eq!(remaining("a"), Ok(1));
        assert_eq!(remaining("b"), Ok(1), "a window of its own");
    }
}
