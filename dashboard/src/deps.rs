//! What the dashboard stands on, passed in.

use std::sync::{Arc, OnceLock};

use nexus_bus::{EventStream, LiveBus};
use nexus_contract::Clock;
use nexus_store::{AnalysisStore, Erasures, links::ClientLinks, queries::Queries};

use crate::{
    DashboardError,
    analyses::MinuteLimit,
    assets::Assets,
    config::DashboardConfig,
    live::Hub,
    mcp::Mcp,
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
    pub erasures: Arc<dyn Erasures>,
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
    /// What `/mcp` serves, when it is switched on.
    pub(crate) prompts: OnceLock<Arc<Mcp>>,
    pub(crate) creations: MinuteLimit,
    pub(crate) retrievals: MinuteLimit,
    pub(crate) names: Arc<crate::pages::Names>,
    /// What the stream told last.
    pub(crate) last_told: Arc<crate::pages::LastTold>,
    pub(crate) graphs: crate::pages::KeptGraphs,
    pub(crate) answers: crate::api::Answers,
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
        let answers = crate::api::Answers::new(config.cache_ttl);
        let hub = Arc::new(hub);
        let creations = MinuteLimit::new(config.analysis_creations);
        let retrievals = MinuteLimit::new(config.analysis_retrievals);
        Ok(Arc::new(Self {
            config,
            deps,
            assets,
            views,
            keeper,
            logins,
            hub,
            prompts: OnceLock::new(),
            creations,
            retrievals,
            names,
            last_told: Arc::default(),
            answers,
            graphs: crate::pages::KeptGraphs::default(),
        }))
    }

    /// How well linking goes now, by the clients' versions; `None` where the store does not tell.
    pub(crate) async fn link_quality(&self) -> Option<Arc<[ClientLinks]>> {
        self.names.quality.find(self.deps.queries.as_ref(), self.deps.clock.now()).await
    }

    /// Shows the prompts of `mcp`, below `/prompts` and `/api/mcp`. To be called once, before the
    /// dashboard is served; a second call changes nothing.
    pub fn show_prompts(&self, mcp: Arc<Mcp>) {
        let _kept = self.prompts.set(mcp);
    }
}
