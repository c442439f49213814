//! Checks of store and event stream.

use std::sync::Arc;

use nexus_contract::SystemClock;

use super::finding::Finding;
use crate::{
    roles::{open_bus, open_store},
    settings::Settings,
};

pub async fn check(settings: &Settings) -> Vec<Finding> {
    vec![store(settings).await, stream(settings).await]
}

/// Opens without migrating, so that a schema that is behind is found, not mended on the quiet.
async fn store(settings: &Settings) -> Finding {
    let fresh = settings.database_url.is_none() && !settings.data_dir.join("nexus.sqlite").exists();
    if fresh {
        return Finding::ok("store", "will be made by the first start");
    }
    match open_store(settings, false).await {
        Ok(store) => {
            let found = match store.ping().await {
                Ok(()) => {
                    Finding::ok("store", format!("{} answers, schema current", store.engine()))
                }
                Err(error) => Finding::problem("store", error.to_string(), "check the database"),
            };
            store.close().await;
            found
        }
        Err(error) => Finding::problem(
            "store",
            format!("{error:#}"),
            "check DATABASE_URL; a schema that is behind is brought up to date by nexus migrate",
        ),
    }
}

async fn stream(settings: &Settings) -> Finding {
    match open_bus(settings, "nexus doctor", Arc::new(SystemClock)).await {
        Ok(bus) => match bus.stream.status().await {
            Ok(status) if status.dead_letters > 0 => Finding::warning(
                "stream",
                format!("{} answers; {} dead letters", status.transport, status.dead_letters),
                "look at them with nexus dead-letters list",
            ),
            Ok(status) => Finding::ok("stream", format!("{} answers", status.transport)),
            Err(error) => Finding::problem("stream", error.to_string(), "check NATS_URL"),
        },
        Err(error) if settings.nats_url.is_none() => Finding::warning(
            "stream",
            format!("{error:#}"),
            "this is as it should be while Nexus runs on this data directory",
        ),
        Err(error) => Finding::problem(
            "stream",
            format!("{error:#}"),
            "check NATS_URL and NATS_CREDS; NATS must be 2.10.23 or newer with JetStream on",
        ),
    }
}
