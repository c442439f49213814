//! What the dashboard stands on, passed in.

use std::sync::Arc;

use nexus_bus::{EventStream, LiveBus};
use nexus_contract::Clock;
use nexus_store::{AnalysisStore, queries::Queries};

use crate::{
    DashboardError,
    assets::Assets,
    config::DashboardConfig,
    live::Hub,
    recordings::Recordings,
    security::{Keeper, LoginLimit},
    view::Views,
};

/// Fills a buffer with random bytes fit for secrets.
pub type Random = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// The outside world, as traits.
#[derive(Clone)]
pub struct Deps {
    pub queries: Arc<dyn Queries>,
    pub analyses: Arc<dyn AnalysisStore>,
    pub recordings: Arc<dyn Recordings>,
    pub live: Arc<dyn LiveBus>,
    /// For the pipeline page: depth, lag, dead letters.
    pub stream: Arc<dyn EventStream>,
    pub clock: Arc<dyn Clock>,
    /// For session ids.
    pub random: Random,
}

/// The dashboard of one process: settings, templates, the live hub.
pub struct Dashboard {
    pub(crate) config: DashboardConfig,
    pub(crate) deps: Deps,
    pub(crate) assets: Assets,
    pub(crate) views: Views,
    pub(crate) keeper: Keeper,
    pub(crate) logins: LoginLimit,
    pub(crate) hub: Arc<Hub>,
    pub(crate) names: crate::pages::Names,
}

impl Dashboard {
    /// Parses the templates and starts nothing yet.
    pub fn new(config: DashboardConfig, deps: Deps) -> Result<Arc<Self>, DashboardError> {
        let assets = Assets::load()?;
        let views = Views::load(&assets)?;
        let keeper = Keeper::new(&config, Arc::clone(&deps.random));
        let hub = Hub::new(deps.clock.now().as_millisecond(), crate::live::Limits::of(&config));
        let logins = LoginLimit::default();
        let names = crate::pages::Names::new(config.cache_ttl);
        let hub = Arc::new(hub);
        Ok(Arc::new(Self { config, deps, assets, views, keeper, logins, hub, names }))
    }
}
