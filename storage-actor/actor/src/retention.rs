//! How long each class of data is kept.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use nexus_contract::Clock;
use nexus_store::{Result, Retention};
use tokio_util::sync::CancellationToken;

/// How often old data is looked for.
const INTERVAL: Duration = Duration::from_mins(15);

/// `None`: for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionConfig {
    /// `NEXUS_RETENTION_PAYLOADS`: bodies, headers and what search finds.
    pub payloads: Option<Duration>,
    /// `NEXUS_RETENTION_ROWS`: exchanges with everything about them but usage.
    pub rows: Option<Duration>,
    /// `NEXUS_RETENTION_USAGE`: usage and the sums of it.
    pub usage: Option<Duration>,
}

/// What one run removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    pub payloads: u64,
    pub rows: u64,
    pub usage: u64,
}

/// Removes what is too old by `now`.
pub async fn remove_old(
    store: &dyn Retention,
    config: &RetentionConfig,
    now: Timestamp,
) -> Result<Removed> {
    let mut removed = Removed::default();
    if let Some(before) = before(now, config.payloads) {
        removed.payloads = store.remove_payloads(before).await?;
    }
    if let Some(before) = before(now, config.rows) {
        removed.rows = store.remove_rows(before).await?;
    }
    if let Some(before) = before(now, config.usage) {
        removed.usage = store.remove_usage(before).await?;
    }
    Ok(removed)
}

/// Removes old data now and every quarter of an hour, until `shutdown`. Several may run on one store.
/// What fails is tried again the next time.
pub async fn run(
    store: Arc<dyn Retention>,
    clock: Arc<dyn Clock>,
    config: RetentionConfig,
    shutdown: CancellationToken,
) {
    if config == RetentionConfig::default() {
        return;
    }
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        // Not under the `select!`: a transaction of sqlx must not be dropped at its beginning.
        match remove_old(&*store, &config, clock.now()).await {
            Ok(removed) => {
                count("payloads", removed.payloads);
                count("rows", removed.rows);
                count("usage", removed.usage);
                tracing::debug!(?removed, "removed old data");
            }
            Err(error) => tracing::warn!(%error, "old data cannot be removed now"),
        }
    }
}

/// `None` keeps all; an age beyond the calendar does, too.
fn before(now: Timestamp, age: Option<Duration>) -> Option<Timestamp> {
    now.checked_sub(SignedDuration::try_from(age?).ok()?).ok()
}

fn count(class: &'static str, removed: u64) {
    metrics::counter!("nexus_storage_removed_total", "class" => class).increment(removed);
}
