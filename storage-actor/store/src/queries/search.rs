//! Where searched words stand.

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use sqlx::{Postgres, Sqlite};
use uuid::Uuid;

use super::{
    snippet,
    syntax::Search,
    texts::Text,
    types::{ConversationSummary, Snippet},
};
use crate::{engine::SqlStore, error::Result};

/// A document, and the conversation that it is of.
pub(super) type PlaceOf = (i64, Uuid);

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// Puts into each conversation its place.
    pub(super) async fn add_snippets(
        &self,
        search: &Search,
        places: &[PlaceOf],
        conversations: &mut [ConversationSummary],
    ) -> Result<()> {
        if places.is_empty() {
            return Ok(());
        }
        let documents: Vec<_> = places.iter().map(|(document, _)| *document).collect();
        for Text { document_id, exchange_id, content } in self.texts(&documents).await? {
            let owner = places.iter().find(|(id, _)| *id == document_id).map(|(_, owner)| *owner);
            let conversation =
                conversations.iter_mut().find(|one| Some(one.conversation_id.0) == owner);
            if let Some(conversation) = conversation {
                let parts = snippet::cut(&content, &search.words);
                let request_id = ExchangeId(exchange_id);
                conversation.snippets.push(Snippet { request_id, parts });
            }
        }
        Ok(())
    }
}
