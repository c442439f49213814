//! The names that the top bar's filters offer, kept for a while: every page shows them.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use nexus_store::queries::Queries;

use super::store;
use crate::error::PageError;

/// Known domains and accounts, the busiest first.
#[derive(Debug, Default)]
pub struct Known {
    pub domains: Vec<String>,
    pub accounts: Vec<String>,
}

/// A cache of one entry.
#[derive(Debug)]
pub struct Names(Cache<(), Arc<Known>>);

impl Names {
    /// Kept for `lifetime`, but at least for a second: a page must not cost two more statements.
    pub fn new(lifetime: Duration) -> Self {
        let lifetime = lifetime.max(Duration::from_secs(1));
        Self(Cache::builder().max_capacity(1).time_to_live(lifetime).build())
    }

    pub async fn known<Q: Queries + ?Sized>(&self, queries: &Q) -> Result<Arc<Known>, PageError> {
        let load = async {
            let (domains, accounts) =
                (queries.list_domains().await?, queries.list_accounts().await?);
            Ok::<_, nexus_store::StoreError>(Arc::new(Known {
                domains: domains.into_iter().map(|domain| domain.domain).collect(),
                accounts: accounts.into_iter().map(|account| account.account_id).collect(),
            }))
        };
        if let Some(known) = self.0.get(&()).await {
            return Ok(known);
        }
        let known = load.await.map_err(store)?;
        self.0.insert((), Arc::clone(&known)).await;
        Ok(known)
    }
}
