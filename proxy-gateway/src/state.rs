//! What all workers share.

use nexus_journal::Journal;

use crate::{
    access::Access,
    config::GatewayConfig,
    deps::GatewayDeps,
    in_flight::InFlight,
    limits::Limits,
    meters::Meters,
    observe::{Observer, Stats, Watched},
    outbound,
    upstream::UpstreamSettings,
};

pub struct State {
    pub config: GatewayConfig,
    pub deps: GatewayDeps,
    pub upstream: UpstreamSettings,
    pub access: Access,
    pub meters: Meters,
    pub observer: Observer,
    /// Running answers that somebody looks at.
    pub watched: Watched,
    pub stats: Stats,
    pub limits: Limits,
    pub in_flight: InFlight,
    /// For everything that is not an exchange: token requests, notices, telemetry.
    pub http: reqwest::Client,
}

impl State {
    /// Reports every problem of the configuration at once.
    pub fn new(config: GatewayConfig, deps: GatewayDeps) -> Result<Self, Vec<String>> {
        let upstream = UpstreamSettings::new(&config.upstream)?;
        let http =
            outbound::client(&config.upstream, &upstream).map_err(|problem| vec![problem])?;
        let limits = Limits::new(&config.limits);
        let in_flight = InFlight::new(config.clients.max_in_flight_bytes);
        let access = Access::new(&config.access, deps.clock.clone());
        Ok(Self {
            config,
            deps,
            upstream,
            access,
            meters: Meters::default(),
            observer: Observer::default(),
            watched: Watched::default(),
            stats: Stats::default(),
            limits,
            in_flight,
            http,
        })
    }

    /// Where exchanges are recorded; `None` when this process only relays.
    pub fn journal(&self) -> Option<&Journal> {
        self.deps.journal.as_deref().filter(|_| self.config.capture.enabled)
    }

    /// Whether anybody gets all header fields of an exchange to see.
    pub fn keeps_heads(&self) -> bool {
        self.journal().is_some() || self.config.capture.shows_exchanges()
    }
}
