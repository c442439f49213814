//! How events flow: told on the pipeline page always, on Overview when something is wrong.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use nexus_bus::{EventStream, StreamStatus};
use nexus_contract::JournalFigures;
use serde::Serialize;
use tokio::{sync::watch, time::timeout};

use super::refresh::Refresh;

/// Lag below this is what a busy moment looks like.
const CALM: u64 = 1000;
/// An answer of the stream that is as old is asked for anew.
const LIFETIME: SignedDuration = SignedDuration::from_secs(5);
/// An answer that is as old tells nothing of the present: what was wrong may have been mended since.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(60);
/// How long a page waits that has no younger answer. A stream nearby tells well within it, and nobody
/// notices it; one that is slow or gone must not keep a page from showing what the store knows.
const PATIENCE: Duration = Duration::from_millis(20);

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

/// What the stream told last, for a page that hardly waits for it.
#[derive(Debug, Default)]
pub struct LastTold {
    kept: watch::Sender<Option<Kept>>,
    asking: Refresh,
}

#[derive(Debug)]
struct Kept {
    told: Told,
    asked_at: Timestamp,
}

impl Kept {
    fn is_within(&self, age: SignedDuration, now: Timestamp) -> bool {
        now.duration_since(self.asked_at).abs() < age
    }
}

impl LastTold {
    /// `None` where it tells nothing in time. An answer that is not quite fresh is given while a
    /// newer one is waited for.
    pub async fn find(
        self: &Arc<Self>,
        stream: &Arc<dyn EventStream>,
        now: Timestamp,
    ) -> Option<Told> {
        let stream = Arc::clone(stream);
        self.find_by(now, || async move { ask(stream.as_ref()).await }).await
    }

    async fn find_by<F>(self: &Arc<Self>, now: Timestamp, ask: impl FnOnce() -> F) -> Option<Told>
    where
        F: Future<Output = Told> + Send + 'static,
    {
        let is_within =
            |kept: Option<&Kept>, age| kept.is_some_and(|kept| kept.is_within(age, now));
        if !is_within(self.kept.borrow().as_ref(), LIFETIME) {
            let last = Arc::clone(self);
            self.asking.begin(|| {
                let told = ask();
                async move {
                    let kept = Kept { told: told.await, asked_at: now };
                    last.kept.send_replace(Some(kept));
                }
            });
        }
        let mut kept = self.kept.subscribe();
        let young = kept.wait_for(|kept| is_within(kept.as_ref(), MAX_AGE));
        let kept = timeout(PATIENCE, young).await.ok()?.ok()?;
        kept.as_ref().map(|kept| kept.told.clone())
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

    const START: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn later(age: SignedDuration) -> Timestamp {
        START + age
    }

    /// The dead letters of an answer that the stream gives at once.
    async fn quick(last: &Arc<LastTold>, now: Timestamp, dead_letters: u64) -> Option<u64> {
        letters(last.find_by(now, || async move { Ok(status(dead_letters, 0)) }).await)
    }

    /// The same of a stream that does not answer.
    async fn silent(last: &Arc<LastTold>, now: Timestamp) -> Option<u64> {
        letters(last.find_by(now, std::future::pending::<Told>).await)
    }

    fn letters(told: Option<Told>) -> Option<u64> {
        Some(told?.expect("an answer").dead_letters)
    }

    #[tokio::test]
    async fn whoever_looks_first_has_an_answer_unless_the_stream_is_slow() {
        assert_eq!(quick(&Arc::default(), START, 3).await, Some(3));
        assert_eq!(silent(&Arc::default(), START).await, None, "nobody waits for long");
    }

    #[tokio::test]
    async fn an_old_answer_is_not_the_present_state() {
        let last = Arc::default();
        assert_eq!(quick(&last, START, 1).await, Some(1));
        assert_eq!(quick(&last, later(LIFETIME / 2), 2).await, Some(1), "it is fresh");
        let old = later(MAX_AGE);
        assert_eq!(quick(&last, old, 2).await, Some(2), "a younger one is waited for");
        let soon = old + LIFETIME;
        assert_eq!(silent(&last, soon).await, Some(2), "given while a newer one is on its way");
        assert_eq!(silent(&last, soon + MAX_AGE).await, None, "which does not come");
    }

    #[tokio::test]
    async fn the_stream_itself_is_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = EmbeddedLog::open(EmbeddedConfig::new(folder.path()), Arc::new(SystemClock));
        let stream: Arc<dyn EventStream> = Arc::new(log.await.expect("it opens"));
        let last = Arc::new(LastTold::default());
        let told = loop {
            // A machine under load may take longer than a page waits.
            if let Some(told) = last.find(&stream, START).await {
                break told;
            }
        };
        assert_eq!(told.map(|status| (status.connected, status.dead_letters)), Ok((true, 0)));
    }
}
