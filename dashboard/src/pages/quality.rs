//! How well linking goes, kept for a moment: every open pipeline page asks for it again and again, and
//! the store looks at thousands of links to tell.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use nexus_store::{links::ClientLinks, queries::Queries};
use tokio::sync::Mutex;

/// How old an answer may be.
const LIFETIME: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Kept {
    links: Arc<[ClientLinks]>,
    read_at: Timestamp,
}

/// The answer as last read.
#[derive(Debug)]
pub struct Quality {
    lifetime: SignedDuration,
    kept: ArcSwapOption<Kept>,
    /// Held while a newer one is read.
    reading: Mutex<()>,
}

impl Quality {
    /// Kept no longer than `cache_ttl`.
    pub fn new(cache_ttl: Duration) -> Self {
        let lifetime = SignedDuration::try_from(cache_ttl.min(LIFETIME));
        Self {
            lifetime: lifetime.unwrap_or(SignedDuration::ZERO),
            kept: ArcSwapOption::empty(),
            reading: Mutex::new(()),
        }
    }

    /// By the clients' versions; `None` where the store does not tell, since a page is worth more
    /// without it than not at all. While somebody waits for a newer answer, others have the old one.
    pub async fn find(&self, queries: &dyn Queries, now: Timestamp) -> Option<Arc<[ClientLinks]>> {
        let kept = self.kept.load_full();
        let turn = self.reading.try_lock();
        if let Some(kept) = kept.filter(|kept| turn.is_err() || self.is_fresh(kept, now)) {
            return Some(Arc::clone(&kept.links));
        }
        match queries.list_client_links().await {
            Ok(links) => {
                let links: Arc<[ClientLinks]> = links.into();
                let kept = Kept { links: Arc::clone(&links), read_at: now };
                self.kept.store(Some(Arc::new(kept)));
                Some(links)
            }
            Err(error) => {
                tracing::warn!(%error, "how well linking goes is not known");
                None
            }
        }
    }

    fn is_fresh(&self, kept: &Kept, now: Timestamp) -> bool {
        (SignedDuration::ZERO..self.lifetime).contains(&now.duration_since(kept.read_at))
    }
}

#[cfg(test)]
mod tests {
    use nexus_store::testing::{TestStore, sqlite};

    use super::*;

    const START: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn queries(store: &TestStore) -> &dyn Queries {
        &*store.store
    }

    /// What a store told at the start, which tells nothing any more.
    async fn asked_before(cache_ttl: Duration) -> (Quality, TestStore) {
        let (quality, store) = (Quality::new(cache_ttl), sqlite().await);
        assert!(quality.find(queries(&store), START).await.is_some());
        store.close().await;
        (quality, store)
    }

    #[tokio::test]
    async fn an_answer_is_given_again_for_a_moment() {
        let (quality, store) = asked_before(Duration::from_secs(30)).await;
        let soon = START + SignedDuration::from_millis(4_900);
        assert!(quality.find(queries(&store), soon).await.is_some());
        let later = START + SignedDuration::from_secs(5);
        assert!(quality.find(queries(&store), later).await.is_none(), "the store was asked");
        let before = START - SignedDuration::from_secs(1);
        assert!(quality.find(queries(&store), before).await.is_none(), "the clock was put back");
    }

    #[tokio::test]
    async fn whoever_asks_while_another_waits_has_the_old_one() {
        let (quality, store) = asked_before(Duration::from_secs(30)).await;
        let later = START + SignedDuration::from_hours(1);
        let waits = quality.reading.lock().await;
        assert!(quality.find(queries(&store), later).await.is_some());
        drop(waits);
        assert!(quality.find(queries(&store), later).await.is_none());
    }

    #[tokio::test]
    async fn nothing_is_kept_without_a_lifetime() {
        let (quality, store) = asked_before(Duration::ZERO).await;
        assert!(quality.find(queries(&store), START).await.is_none());
    }
}
