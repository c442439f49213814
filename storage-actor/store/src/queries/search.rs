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
    words::Words,
};
use crate::{engine::SqlStore, error::Result};

const CANNOT: &str = "the places of searched words cannot be read";

/// The newest place of each of the conversations.
fn newest_places(words: &Words, conversations: &[ConversationSummary]) -> Statement {
    let mut statement =
        Statement::new("SELECT e.conversation_id, MAX(d.document_id) AS document_id FROM (");
    words.push_places(&mut statement);
    statement.push(
        ") p JOIN search_documents d ON d.document_id = p.document_id \
         JOIN exchanges e ON e.exchange_id = d.exchange_id WHERE ",
        [],
    );
    let ids = conversations.iter().map(|conversation| conversation.conversation_id.0.into());
    statement.push_in("e.conversation_id", ids).push(" GROUP BY e.conversation_id", []);
    statement
}

fn halves(places: &[(Uuid, i64)]) -> Statement {
    let mut statement =
        Statement::new("SELECT document_id, exchange_id, part FROM search_documents WHERE ");
    statement.push_in("document_id", places.iter().map(|(_, id)| (*id).into()));
    statement
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// Puts into each conversation the newest place where the words stand.
    pub(super) async fn add_snippets(
        &self,
        search: &Search,
        conversations: &mut [ConversationSummary],
    ) -> Result<()> {
        let words = Words::of::<Engine>(search);
        if words.is_none() || conversations.is_empty() {
            return Ok(());
        }
        let places: Vec<(Uuid, i64)> =
            self.list(&newest_places(&words, conversations), CANNOT).await?;
        if places.is_empty() {
            return Ok(());
        }
        let found: Vec<(i64, Uuid, String)> = self.list(&halves(&places), CANNOT).await?;
        let found: Vec<_> = found
            .into_iter()
            .map(|(document, exchange_id, part)| (document, Half { exchange_id, part }))
            .collect();
        let wanted: Vec<_> = found.iter().map(|(_, half)| half.clone()).collect();
        let texts = self.texts(&wanted).await?;
        for (document, half) in found {
            let owner = places.iter().find(|(_, id)| *id == document).map(|(owner, _)| *owner);
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
