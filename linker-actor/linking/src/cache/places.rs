//! What the structure of the graph is going to look at: parents, their attempts, their children.

use std::collections::BTreeSet;

use nexus_contract::ExchangeId;

use super::{Cache, Source};

impl<S: Source> Cache<S> {
    pub(super) async fn fetch_places(&mut self, ids: &[ExchangeId]) -> Result<(), S::Error> {
        let links = ids.iter().filter_map(|id| self.table.links.get(id));
        let parents: BTreeSet<_> = links.filter_map(|link| link.edge.parent).collect();
        let unknown = parents.iter().filter(|id| !self.knows_link(**id));
        let unknown: Vec<_> = unknown.copied().collect();
        self.fetch_links_of(&unknown).await?;
        let around = parents.iter().chain(ids).filter_map(|id| self.table.links.get(id));
        let steps: BTreeSet<_> = around.map(|link| link.step).collect();
        self.fetch_attempts(&steps).await?;
        let attempts = self.table.attempts_of(&steps);
        self.fetch_children(attempts.into_iter().chain(ids.iter().copied()).collect()).await
    }

    pub(super) fn knows_link(&self, id: ExchangeId) -> bool {
        self.table.links.contains_key(&id) || self.cover.has_link(id)
    }

    pub(super) async fn fetch_attempts(
        &mut self,
        steps: &BTreeSet<ExchangeId>,
    ) -> Result<(), S::Error> {
        let unknown = steps.iter().filter(|step| !self.cover.has_attempts(**step));
        let unknown: Vec<_> = unknown.copied().collect();
        if !unknown.is_empty() {
            let found = self.source.attempts_of(&unknown).await?;
            self.load_links(found);
            self.cover.steps.extend(unknown);
        }
        Ok(())
    }

    pub(super) async fn fetch_children(
        &mut self,
        parents: BTreeSet<ExchangeId>,
    ) -> Result<(), S::Error> {
        let unknown = parents.into_iter().filter(|id| !self.cover.has_children(*id));
        let unknown: Vec<_> = unknown.collect();
        if !unknown.is_empty() {
            let found = self.source.children(&unknown).await?;
            self.load_links(found);
            self.cover.kin.extend(unknown);
        }
        Ok(())
    }
}
