//! What the gateway is handed by the process around it.

use std::sync::Arc;

use nexus_bus::LiveBus;
use nexus_contract::{Clock, IdSource};
use nexus_journal::Journal;

/// 64 fresh random bits a call, from a cryptographic source.
pub type Random = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Renders the process's metrics in Prometheus' text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// The gateway's surroundings.
#[derive(Clone)]
pub struct GatewayDeps {
    /// `None` relays only.
    pub journal: Option<Arc<Journal>>,
    pub live: Arc<dyn LiveBus>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<IdSource>,
    pub random: Random,
    pub render_metrics: RenderMetrics,
}
