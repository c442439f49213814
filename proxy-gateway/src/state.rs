//! What all workers share.

use crate::{
    access::Access, config::GatewayConfig, deps::GatewayDeps, meters::Meters, observe::Observer,
    upstream::UpstreamSettings,
};

pub struct State {
    pub config: GatewayConfig,
    pub deps: GatewayDeps,
    pub upstream: UpstreamSettings,
    pub access: Access,
    pub meters: Meters,
    pub observer: Observer,
}

impl State {
    /// Reports every problem of the configuration at once.
    pub fn new(config: GatewayConfig, deps: GatewayDeps) -> Result<Self, Vec<String>> {
        let upstream = UpstreamSettings::new(&config.upstream)?;
        Ok(Self {
            config,
            deps,
            upstream,
            access: Access::default(),
            meters: Meters::default(),
            observer: Observer::default(),
        })
    }
}
