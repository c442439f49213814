//! The roles that consume events.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use nexus_bus::{ConsumerConfig, ConsumerSpec, Handler};
use nexus_contract::Kind;
use nexus_linker::{LinkerDeps, LinkerHandler};
use nexus_messages::PriceTable;
use nexus_storage::{StorageDeps, StorageHandler};
use nexus_store::Store;

use crate::{
    failure::WrongUsage,
    roles::{Role, analysis, engines::Engines, retention, tasks::Group},
    settings::Settings,
    telemetry::otel::Spans,
};

/// As handlers have it by default.
const ACK_TIMEOUT: Duration = Duration::from_mins(1);

/// Starts the consumers among `roles`. With `STORAGE_ENABLED=false` there is nothing to consume.
pub fn start(
    back: &mut Group,
    roles: &[Role],
    engines: &Engines,
    settings: &Settings,
    instance: &str,
) -> anyhow::Result<()> {
    let Some(store) = engines.store.as_ref().filter(|_| settings.storage_enabled) else {
        return Ok(());
    };
    if roles.contains(&Role::Linker) {
        consume(back, "linker", engines, linker(store, engines, instance));
        watch_quality(back, store);
    }
    if roles.contains(&Role::Storage) {
        let prices = Arc::new(prices(settings)?);
        consume(back, "storage", engines, storage(store, engines, &prices));
        reprice(back, store, prices);
        retention::start(back, settings, engines, store);
        if let Some(spans) = Spans::new(settings, store.clone(), engines.clock.clone())? {
            consume(back, "traces", engines, Arc::new(spans));
        }
    }
    if roles.contains(&Role::Analysis) {
        analysis::start(back, settings, instance, engines, store)?;
    }
    Ok(())
}

fn consume(back: &mut Group, name: &'static str, engines: &Engines, handler: Arc<dyn Handler>) {
    let (stream, stop) = (engines.stream.clone(), back.stop.clone());
    back.spawn(name, async move {
        Ok(nexus_bus::consume(stream, handler, ConsumerConfig::default(), stop).await?)
    });
}

fn linker(store: &Arc<dyn Store>, engines: &Engines, instance: &str) -> Arc<dyn Handler> {
    Arc::new(LinkerHandler::new(LinkerDeps {
        store: store.clone(),
        stream: engines.stream.clone(),
        live: engines.live.clone(),
        clock: engines.clock.clone(),
        instance: instance.to_owned(),
    }))
}

/// Shows in the metrics how well linking goes.
fn watch_quality(back: &mut Group, store: &Arc<dyn Store>) {
    let (store, stop) = (store.clone(), back.stop.clone());
    back.spawn("quality of links", async move {
        stop.run_until_cancelled(nexus_linker::watch_quality(store.as_ref())).await;
        Ok(())
    });
}

fn storage(
    store: &Arc<dyn Store>,
    engines: &Engines,
    prices: &Arc<PriceTable>,
) -> Arc<dyn Handler> {
    Arc::new(StorageHandler::new(StorageDeps {
        store: store.clone(),
        live: engines.live.clone(),
        prices: prices.clone(),
        clock: engines.clock.clone(),
    }))
}

/// What was stored under other prices gets those of today.
fn reprice(back: &mut Group, store: &Arc<dyn Store>, prices: Arc<PriceTable>) {
    let (store, stop) = (store.clone(), back.stop.clone());
    back.spawn("prices", async move {
        nexus_storage::pricing::run(store, prices, stop).await;
        Ok(())
    });
}

/// The consumers of an installation. They are made together with the streams, so that a role that
/// is started late has missed nothing. A role's handler may narrow its own when it starts.
pub fn specs() -> Vec<ConsumerSpec> {
    const EXCHANGE: [Kind; 2] = [Kind::RequestReceived, Kind::ResponseFinished];
    let storage = [&EXCHANGE[..], &[Kind::Linked]].concat();
    [
        ("linker", EXCHANGE.to_vec()),
        ("storage", storage),
        ("analysis", vec![Kind::AnalysisRequested]),
    ]
    .into_iter()
    .map(|(name, kinds)| ConsumerSpec { name: name.to_owned(), kinds, ack_timeout: ACK_TIMEOUT })
    .collect()
}

/// The price table, with the operator's file over it.
pub fn prices(settings: &Settings) -> anyhow::Result<PriceTable> {
    let Some(path) = &settings.prices else { return Ok(PriceTable::listed()) };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("NEXUS_PRICES: {} cannot be read", path.display()))?;
    PriceTable::with_file(&text).map_err(|error| {
        WrongUsage::new(format!("NEXUS_PRICES: {}: {error}", path.display())).into()
    })
}
