//! What all workers share.

use crate::{config::GatewayConfig, deps::GatewayDeps, upstream::UpstreamSettings};

pub struct State {
    pub config: GatewayConfig,
    pub deps: GatewayDeps,
    pub upstream: UpstreamSettings,
}

impl State {
    /// Reports every problem of the configuration at once.
    pub fn new(config: GatewayConfig, deps: GatewayDeps) -> Result<Self, Vec<String>> {
        let upstream = UpstreamSettings::new(&config.upstream)?;
        Ok(Self { config, deps, upstream })
    }
}
