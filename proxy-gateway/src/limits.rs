//! Requests per window, per client key and per domain.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

use crate::{
    access::Grant,
    config::{LimitConfig, RateLimit},
    domain::Domain,
    problem::Problem,
};

/// Keys that a limiter tells apart; beyond that, new ones share one window.
const MAX_KEYS: usize = 50_000;

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
        let key = grant.fingerprint.map(hex::encode).unwrap_or_default();
        let by_key = self.per_key.as_ref().map(|limiter| limiter.check(&key)).transpose()?;
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
}

impl Limiter {
    fn new(limit: RateLimit) -> Option<Self> {
        let requests = NonZeroU32::new(limit.requests)?;
        let quota = Quota::with_period(limit.window / limit.requests)?.allow_burst(requests);
        let clock = DefaultClock::default();
        let windows = RateLimiter::dashmap_with_clock(quota, clock.clone())
            .with_middleware::<StateInformationMiddleware>();
        Some(Self { windows, limit: limit.requests, clock })
    }

    fn check(&self, key: &str) -> Result<Allowance, Problem> {
        if self.windows.len() >= MAX_KEYS {
            self.windows.retain_recent();
        }
        let key = if self.windows.len() >= MAX_KEYS { "" } else { key };
        match self.windows.check_key(&key.to_owned()) {
            Ok(state) => {
                Ok(Allowance { limit: self.limit, remaining: state.remaining_burst_capacity() })
            }
            Err(until) => {
                Err(Problem::RateLimited { limit: self.limit, retry_after: self.wait(&until) })
            }
        }
    }

    fn wait(
        &self,
        until: &NotUntil<<DefaultClock as governor::clock::Clock>::Instant>,
    ) -> Duration {
        until.wait_time_from(self.clock.now())
    }
}

#[cfg(test)]
mod tests {
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
}
