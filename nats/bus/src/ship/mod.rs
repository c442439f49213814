//! The shipper: carries the journal to the event stream.
//!
//! It runs on a thread of its own, because it reads files and compresses. What it holds in memory is
//! bounded in bytes; a circuit breaker keeps it from filling a client's buffers while the stream is
//! down. Events have fixed message ids, so that publishing one again is harmless. A segment of the
//! journal is freed when the stream has acknowledged everything in it.

mod breaker;
mod run;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use nexus_journal::{JournalError, Reader};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::{backoff::Backoff, stream::EventStream, yielding::give_way};

/// Settings of a shipper.
#[derive(Debug, Clone, Copy)]
pub struct ShipperConfig {
    /// Bytes of events that may be in memory, published and not yet acknowledged.
    pub max_in_flight_bytes: usize,
    /// Publications at a time.
    pub max_publications: usize,
    /// Events in one publication.
    pub max_batch: usize,
    /// Pauses of the circuit breaker.
    pub retry: Backoff,
    /// How long a shutdown waits for the journal to be empty. What is left is shipped at the next
    /// start, or by the instance that adopts the journal.
    pub drain_timeout: Duration,
    /// How often to look for journals whose instance is gone.
    pub adopt_interval: Duration,
}

impl Default for ShipperConfig {
    fn default() -> Self {
        Self {
            // Each of these bytes is in memory three times while it is published: in its event, in
            // its wire form, and in what the transport makes of that.
            max_in_flight_bytes: 4 << 20,
            max_publications: 4,
            max_batch: 128,
            retry: Backoff::new(Duration::from_millis(100), Duration::from_secs(5)),
            drain_timeout: Duration::from_secs(5),
            adopt_interval: Duration::from_secs(30),
        }
    }
}

/// The shipper does not run any more, and nobody asked it to stop.
#[derive(Debug, Error)]
pub enum ShipperGone {
    #[error("the shipper is gone: {0}")]
    Journal(#[from] JournalError),
    #[error("the shipper is gone: it panicked")]
    Panicked,
    #[error("the shipper can't begin: {0}")]
    Thread(#[from] std::io::Error),
}

/// Ships what `reader` finds until `shutdown`, then what is left within the drain time. A journal that
/// is adopted, or closed, is shipped to its end, and then holds nothing any more.
///
/// # Errors
/// When it ended by itself. Nothing is lost; end the process and start again.
pub async fn ship(
    reader: Reader,
    stream: Arc<dyn EventStream>,
    config: ShipperConfig,
    shutdown: CancellationToken,
) -> Result<(), ShipperGone> {
    let work = async move {
        let mut reader = run::run(reader, stream, config, shutdown).await?;
        reader.free_last()?;
        reader.remove_if_empty()
    };
    on_a_thread(work).await??;
    Ok(())
}

/// Ships the journals in `dir` whose instances are gone, again and again until `shutdown`.
///
/// # Errors
/// As [`ship`].
pub async fn adopt(
    dir: PathBuf,
    stream: Arc<dyn EventStream>,
    config: ShipperConfig,
    shutdown: CancellationToken,
) -> Result<(), ShipperGone> {
    while !shutdown.is_cancelled() {
        adopt_once(&dir, &stream, config, &shutdown).await?;
        tokio::select! {
            () = tokio::time::sleep(config.adopt_interval) => {}
            () = shutdown.cancelled() => {}
        }
    }
    Ok(())
}

/// Ships the journals in `dir` whose instances are gone now, and removes them. One that another
/// process holds is its own to ship.
///
/// # Errors
/// As [`ship`].
pub async fn adopt_once(
    dir: &Path,
    stream: &Arc<dyn EventStream>,
    config: ShipperConfig,
    shutdown: &CancellationToken,
) -> Result<(), ShipperGone> {
    for reader in Reader::adopt(dir)? {
        // Or each of them would take its drain time.
        if shutdown.is_cancelled() {
            break;
        }
        tracing::info!(instance = reader.instance(), "a journal without an owner is shipped");
        ship(reader, stream.clone(), config, shutdown.clone()).await?;
    }
    Ok(())
}

/// Runs `work` where blocking harms nobody.
async fn on_a_thread<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, ShipperGone> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (done, end) = oneshot::channel();
    std::thread::Builder::new().name("shipper".into()).spawn(move || {
        give_way();
        // Nobody may listen any more.
        let _gone = done.send(runtime.block_on(work));
    })?;
    end.await.map_err(|_dropped| ShipperGone::Panicked)
}
