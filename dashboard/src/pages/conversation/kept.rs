//! Conversations kept for a moment: the fragments of one page ask for the same one again and again.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use nexus_contract::ExchangeId;
use nexus_store::queries::{ConversationGraph, Queries};

use super::data::MAX_NODES;
use crate::{error::PageError, pages::store};

/// Exchanges kept, over all conversations: some tens of megabytes.
const NODES: u64 = 100_000;
/// A link that is decided anew may change no sum of the conversation, so even one that looks the same
/// is read again after this.
const LIFETIME: Duration = Duration::from_secs(10);

/// Graphs by the id under which they were asked for.
#[derive(Debug)]
pub struct KeptGraphs(Cache<ExchangeId, Arc<ConversationGraph>>);

impl Default for KeptGraphs {
    fn default() -> Self {
        let weight = |_: &ExchangeId, graph: &Arc<ConversationGraph>| {
            u32::try_from(graph.nodes.len()).unwrap_or(u32::MAX).saturating_add(1)
        };
        Self(Cache::builder().max_capacity(NODES).weigher(weight).time_to_live(LIFETIME).build())
    }
}

impl KeptGraphs {
    /// The kept one when the conversation's sums are what they were; one statement tells. Else two
    /// read it.
    pub async fn find(
        &self,
        queries: &dyn Queries,
        id: ExchangeId,
    ) -> Result<Option<Arc<ConversationGraph>>, PageError> {
        if let Some(kept) = self.0.get(&id).await {
            let now = queries.find_conversation(id).await.map_err(store)?;
            if now.as_ref() == Some(&kept.conversation) {
                return Ok(Some(kept));
            }
        }
        let Some(graph) = queries.find_graph(id, MAX_NODES).await.map_err(store)? else {
            return Ok(None);
        };
        let graph = Arc::new(graph);
        self.0.insert(id, Arc::clone(&graph)).await;
        Ok(Some(graph))
    }
}
