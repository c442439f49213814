//! What is old goes, by class: the store's data, and the stream's dead letters.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use nexus_bus::{EventStream, StreamError};
use nexus_contract::Clock;
use nexus_storage::{RetentionConfig, retention};
use nexus_store::Store;
use tokio_util::sync::CancellationToken;

use crate::{
    roles::{engines::Engines, tasks::Group},
    settings::{Period, Settings},
};

const INTERVAL: Duration = Duration::from_mins(15);
const PAGE: usize = 200;

/// Starts what the settings ask for.
pub fn start(back: &mut Group, settings: &Settings, engines: &Engines, store: &Arc<dyn Store>) {
    let age = |period: Option<Period>| period.map(|Period(age)| age);
    let config = RetentionConfig {
        payloads: age(settings.retention_payloads),
        rows: age(settings.retention_rows),
        usage: age(settings.retention_usage),
    };
    if config != RetentionConfig::default() {
        let (store, clock, stop) = (store.clone(), engines.clock.clone(), back.stop.clone());
        back.spawn("retention", async move {
            retention::run(store, clock, config, stop).await;
            Ok(())
        });
    }
    if let Some(age) = age(settings.retention_dead_letters) {
        let (stream, clock, stop) =
            (engines.stream.clone(), engines.clock.clone(), back.stop.clone());
        back.spawn("retention of dead letters", async move {
            keep_dropping(stream.as_ref(), clock.as_ref(), age, &stop).await;
            Ok(())
        });
    }
}

async fn keep_dropping(
    stream: &dyn EventStream,
    clock: &dyn Clock,
    age: Duration,
    stop: &CancellationToken,
) {
    while !stop.is_cancelled() {
        let before =
            SignedDuration::try_from(age).ok().and_then(|age| clock.now().checked_sub(age).ok());
        match before {
            Some(before) => match drop_older(stream, before).await {
                Ok(0) => {}
                Ok(dropped) => tracing::info!(dropped, "old dead letters dropped"),
                Err(error) => tracing::warn!(%error, "old dead letters stay until the next try"),
            },
            // Older than time itself: nothing can be.
            None => return stop.cancelled().await,
        }
        let _stopped = stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await;
    }
}

async fn drop_older(stream: &dyn EventStream, before: Timestamp) -> Result<u64, StreamError> {
    let (mut dropped, mut cursor) = (0, None);
    loop {
        let page = stream.list_dead_letters(cursor.as_deref(), PAGE).await?;
        for letter in page.items.iter().filter(|letter| letter.at < before) {
            dropped += u64::from(stream.drop_dead_letter(&letter.id).await?);
        }
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => return Ok(dropped),
        }
    }
}
