//! The names that the top bar's filters offer, and those of clients that are linked badly: many
//! pages show them, so no page waits for them.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use nexus_store::{links::ClientLinks, queries::Queries};

use super::{quality::Quality, refresh::Refresh, store};
use crate::error::PageError;

/// Known domains and accounts, the busiest first.
#[derive(Debug, Default)]
pub struct Known {
    pub domains: Vec<String>,
    pub accounts: Vec<String>,
    /// See [`falling`].
    pub falling: Vec<String>,
}

impl Known {
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty() && self.accounts.is_empty()
    }
}

#[derive(Debug)]
struct Kept {
    known: Arc<Known>,
    until: Timestamp,
}

/// The names as last read. Old ones are shown while new ones are read.
#[derive(Debug)]
pub struct Names {
    lifetime: SignedDuration,
    kept: ArcSwapOption<Kept>,
    reading: Refresh,
    /// What tells who is linked badly.
    pub quality: Quality,
}

impl Names {
    /// Read again after `lifetime`, but not within a second.
    pub fn new(lifetime: Duration) -> Arc<Self> {
        let quality = Quality::new(lifetime);
        let lifetime = SignedDuration::try_from(lifetime.max(Duration::from_secs(1)));
        Arc::new(Self {
            lifetime: lifetime.unwrap_or(SignedDuration::MAX),
            kept: ArcSwapOption::empty(),
            reading: Refresh::default(),
            quality,
        })
    }

    pub async fn known(
        self: &Arc<Self>,
        queries: &Arc<dyn Queries>,
        now: Timestamp,
    ) -> Result<Arc<Known>, PageError> {
        let Some(kept) = self.kept.load_full() else {
            return self.read(queries.as_ref(), now).await;
        };
        if kept.until <= now {
            let (names, queries) = (Arc::clone(self), Arc::clone(queries));
            self.reading.begin(|| async move {
                if let Err(error) = names.read(queries.as_ref(), now).await {
                    tracing::warn!(%error, "the filters' names cannot be read");
                }
            });
        }
        Ok(Arc::clone(&kept.known))
    }

    /// Reads them now, for pages to come.
    pub async fn read(
        &self,
        queries: &dyn Queries,
        now: Timestamp,
    ) -> Result<Arc<Known>, PageError> {
        let domains = queries.list_domains().await.map_err(store)?;
        let accounts = queries.list_accounts().await.map_err(store)?;
        let links = self.quality.find(queries, now).await;
        let known = Arc::new(Known {
            domains: domains.into_iter().map(|domain| domain.domain).collect(),
            accounts: accounts.into_iter().map(|account| account.account_id).collect(),
            falling: falling(links.as_deref().unwrap_or_default()),
        });
        let until = now.saturating_add(self.lifetime).unwrap_or(Timestamp::MAX);
        self.kept.store(Some(Arc::new(Kept { known: Arc::clone(&known), until })));
        Ok(known)
    }
}

/// The versions of clients that are linked worse than their other versions.
pub fn falling(links: &[ClientLinks]) -> Vec<String> {
    links.iter().filter(|one| one.dropped).map(|one| one.client.clone()).collect()
}
