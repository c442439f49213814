//! How events flow: told on the pipeline page always, on Overview when something is wrong.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use nexus_bus::{EventStream, StreamStatus};
use nexus_contract::JournalFigures;
use serde::Serialize;

use super::refresh::Refresh;

/// Lag below this is what a busy moment looks like.
const CALM: u64 = 1000;
/// How old an answer of the stream may be.
const LIFETIME: SignedDuration = SignedDuration::from_secs(5);

/// What the stream told, or why it did not.
pub type Told = Result<StreamStatus, String>;

#[derive(Debug, Clone, Default, Serialize)]
pub struct Flow {
    /// `None` when the stream cannot be asked.
    pub status: Option<StreamStatus>,
    pub error: Option<String>,
    /// Exchanges that were served and not kept.
    pub dropped: u64,
    pub healthy: bool,
}

impl Flow {
    /// With the journals of all gateways; `None` where no gateway was heard of.
    pub fn of(told: Told, journal: Option<&JournalFigures>) -> Self {
        let (status, error) = match told {
            Ok(status) => (Some(status), None),
            Err(error) => (None, Some(error)),
        };
        let dropped = journal.map_or(0, |journal| journal.lost + journal.tombstones);
        let healthy = dropped == 0 && status.as_ref().is_some_and(is_healthy);
        Self { status, error, dropped, healthy }
    }
}

fn is_healthy(status: &StreamStatus) -> bool {
    status.connected
        && status.dead_letters == 0
        && status.consumers.iter().all(|consumer| consumer.lag < CALM)
}

/// Asks the stream.
pub async fn ask(stream: &dyn EventStream) -> Told {
    stream.status().await.map_err(|error| error.to_string())
}

/// What the stream told last, for a page that waits for no stream.
#[derive(Debug, Default)]
pub struct LastTold {
    kept: ArcSwapOption<Kept>,
    asking: Refresh,
}

#[derive(Debug)]
struct Kept {
    told: Told,
    asked_at: Timestamp,
}

impl LastTold {
    /// `None` until it was told once. An old answer is given while a newer one is waited for.
    pub fn find(self: &Arc<Self>, stream: &Arc<dyn EventStream>, now: Timestamp) -> Option<Told> {
        let kept = self.kept.load_full();
        let is_fresh = |kept: &Kept| now.duration_since(kept.asked_at).abs() < LIFETIME;
        if !kept.as_deref().is_some_and(is_fresh) {
            let (last, stream) = (Arc::clone(self), Arc::clone(stream));
            self.asking.begin(|| async move {
                let told = ask(stream.as_ref()).await;
                last.kept.store(Some(Arc::new(Kept { told, asked_at: now })));
            });
        }
        kept.map(|kept| kept.told.clone())
    }
}

#[cfg(test)]
mod tests {
    use nexus_bus::{ConsumerStatus, EmbeddedConfig, EmbeddedLog};
    use nexus_contract::SystemClock;

    use super::*;

    fn status(dead_letters: u64, lag: u64) -> StreamStatus {
        StreamStatus {
            transport: "embedded",
            connected: true,
            events: 1,
            bytes: 1,
            max_bytes: 9,
            dead_letters,
            consumers: vec![ConsumerStatus {
                name: "storage".into(),
                lag,
                unsettled: 0,
                redelivered: 0,
            }],
        }
    }

    #[test]
    fn what_needs_a_look_is_not_healthy() {
        let healthy = |told: Told, lost| {
            Flow::of(told, Some(&JournalFigures { lost, ..Default::default() })).healthy
        };
        assert!(healthy(Ok(status(0, CALM - 1)), 0));
        assert!(!healthy(Ok(status(0, CALM)), 0), "a consumer is behind");
        assert!(!healthy(Ok(status(1, 0)), 0), "a dead letter");
        assert!(!healthy(Ok(status(0, 0)), 1), "an exchange that was not kept");
        assert!(!healthy(Ok(StreamStatus { connected: false, ..status(0, 0) }), 0));
        let down = Flow::of(Err("it is gone".into()), None);
        assert!(!down.healthy && down.error.as_deref() == Some("it is gone"));
    }

    #[tokio::test]
    async fn nobody_waits_for_the_stream() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = EmbeddedLog::open(EmbeddedConfig::new(folder.path()), Arc::new(SystemClock));
        let stream: Arc<dyn EventStream> = Arc::new(log.await.expect("it opens"));
        let (last, now) = (Arc::new(LastTold::default()), Timestamp::UNIX_EPOCH);
        assert!(last.find(&stream, now).is_none(), "it was not asked before");
        let told = loop {
            tokio::task::yield_now().await;
            if let Some(told) = last.find(&stream, now) {
                break told;
            }
        };
        assert_eq!(told.map(|status| (status.connected, status.dead_letters)), Ok((true, 0)));
    }
}
