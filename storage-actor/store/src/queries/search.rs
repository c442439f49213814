//! Where searched words stand.

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use sqlx::{Postgres, Sqlite};
use uuid::Uuid;

use super::{
    snippet,
    statement::Statement,
    syntax::Search,
    types::{ConversationSummary, Snippet},
    words::Words,
};
use crate::{
    bodies::packed,
    engine::SqlStore,
    error::{Result, StoreError},
};

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
        let mut statement =
            Statement::new("SELECT document_id, exchange_id, data FROM search_documents WHERE ");
        statement.push_in("document_id", places.iter().map(|(_, id)| (*id).into()));
        let texts: Vec<(i64, Uuid, Vec<u8>)> = self.list(&statement, CANNOT).await?;
        for (document_id, exchange_id, data) in texts {
            let owner = places.iter().find(|(_, id)| *id == document_id).map(|(owner, _)| *owner);
            let conversation =
                conversations.iter_mut().find(|one| Some(one.conversation_id.0) == owner);
            if let Some(conversation) = conversation {
                conversation.snippets.push(cut(ExchangeId(exchange_id), &data, search)?);
            }
        }
        Ok(())
    }
}

fn cut(request_id: ExchangeId, data: &[u8], search: &Search) -> Result<Snippet> {
    let text = packed::unpack(data)
        .map_err(|error| StoreError::Corrupt(format!("search_documents.data: {error}")))?;
    let parts = snippet::cut(&String::from_utf8_lossy(&text), &search.words);
    Ok(Snippet { request_id, parts })
}
