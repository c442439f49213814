//! The gateway's journal and the shipper behind it.

use std::sync::Arc;

use anyhow::Context;
use nexus_bus::ShipperConfig;
use nexus_journal::{Capture, Journal, JournalConfig};

use crate::{
    roles::{data_dir, engines::Engines, tasks::Group},
    settings::{self, Settings},
};

/// Opens the journal and starts to ship it.
pub fn start(
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
    let dir = config.dir.clone();
    data_dir::make(&settings.data_dir)?;
    let journal = Journal::open(config, engines.clock.clone())
        .with_context(|| format!("the journal in {} cannot be opened", dir.display()))?;
    let reader = journal.reader().context("the journal is read by someone else")?;
    let (stream, stop) = (engines.stream.clone(), back.stop.clone());
    back.spawn("shipper", async move {
        Ok(nexus_bus::ship(reader, stream, ShipperConfig::default(), stop).await?)
    });
    let (stream, stop) = (engines.stream.clone(), back.stop.clone());
    back.spawn("shipper of adopted journals", async move {
        Ok(nexus_bus::adopt(dir, stream, ShipperConfig::default(), stop).await?)
    });
    Ok(Arc::new(journal))
}
