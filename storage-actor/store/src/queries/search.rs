//! Where searched words stand.

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use sqlx::{Postgres, Sqlite};
use uuid::Uuid;

use super::{
    snippet,
    statement::Statement,
    syntax::Search,
    texts::Half,
    types::{ConversationSummary, Snippet},
};
use crate::{engine::SqlStore, error::Result};

const CANNOT: &str = "the places of searched words cannot be read";

/// A document, and the conversation that it is of.
pub(super) type PlaceOf = (i64, Uuid);

fn halves(places: &[PlaceOf]) -> Statement {
    let mut statement =
        Statement::new("SELECT document_id, exchange_id, part FROM search_documents WHERE ");
    statement.push_in("document_id", places.iter().map(|(id, _)| (*id).into()));
    statement
}

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
        let found: Vec<(i64, Uuid, String)> = self.list(&halves(places), CANNOT).await?;
        let found: Vec<_> = found
            .into_iter()
            .map(|(document, exchange_id, part)| (document, Half { exchange_id, part }))
            .collect();
        let wanted: Vec<_> = found.iter().map(|(_, half)| half.clone()).collect();
        let texts = self.texts(&wanted).await?;
        for (document, half) in found {
            let owner = places.iter().find(|(id, _)| *id == document).map(|(_, owner)| *owner);
            let conversation =
                conversations.iter_mut().find(|one| Some(one.conversation_id.0) == owner);
            if let (Some(conversation), Some(text)) = (conversation, texts.get(&half)) {
                let parts = snippet::cut(text, &search.words);
                let request_id = ExchangeId(half.exchange_id);
                conversation.snippets.push(Snippet { request_id, parts });
            }
        }
        Ok(())
    }
}
