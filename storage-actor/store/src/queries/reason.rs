//! Why an exchange is linked as it is.

use std::collections::HashSet;

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use nexus_linking::Method;
use sqlx::{FromRow, Postgres, Sqlite};
use uuid::Uuid;

use super::{
    statement::Statement,
    types::{LinkHashes, LinkMethod, LinkReason, Linked},
};
use crate::{
    LinkStore,
    engine::SqlStore,
    error::{Result, StoreError},
};

const LINKED: &str = "\
    SELECT l.method, c.title FROM links l \
    LEFT JOIN conversations c ON c.conversation_id = l.conversation_id WHERE l.exchange_id = ?";

#[derive(Debug, FromRow)]
struct LinkedRow {
    method: String,
    title: Option<String>,
}

impl LinkedRow {
    fn linked(self) -> Result<Linked> {
        let method = Method::parse(&self.method)
            .ok_or_else(|| StoreError::Corrupt(format!("links.method is {:?}", self.method)))?;
        let method = LinkMethod { name: method.as_str(), confidence: method.confidence() };
        Ok(Linked { method, title: self.title })
    }
}

fn beginnings(conversation: ExchangeId) -> Statement {
    let mut statement = Statement::new("SELECT exchange_id FROM links");
    statement.push(
        " WHERE conversation_id = ? AND method = ?",
        [conversation.0.into(), Method::Session.as_str().into()],
    );
    statement
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn linked(&self, id: ExchangeId) -> Result<Option<Linked>> {
        let mut statement = Statement::default();
        statement.push(LINKED, [id.0.into()]);
        let rows: Vec<LinkedRow> = self.list(&statement, "the link cannot be read").await?;
        rows.into_iter().next().map(LinkedRow::linked).transpose()
    }

    pub(super) async fn link_beginnings(
        &self,
        conversation: ExchangeId,
    ) -> Result<HashSet<ExchangeId>> {
        let statement = beginnings(conversation);
        let rows: Vec<(Uuid,)> = self.list(&statement, "links cannot be listed").await?;
        Ok(rows.into_iter().map(|(id,)| ExchangeId(id)).collect())
    }

    pub(super) async fn link_reason(&self, id: ExchangeId) -> Result<Option<LinkReason>> {
        let Some(link) = self.find_link(id).await? else { return Ok(None) };
        let facts = self.find_facts(id).await?;
        let place = facts.as_ref().and_then(|facts| facts.place.as_ref());
        let request = facts.as_ref().and_then(|facts| facts.request.as_ref());
        // Of an edge by time, the joint is only the history that was passed over.
        let joint = link.edge.joint.as_ref().filter(|_| !link.edge.goes_by_time());
        let hashes = LinkHashes {
            current: place.map(|place| place.current.to_string()),
            parent: joint.map(|joint| joint.hash.to_string()),
            system: request.map(|request| request.system.to_string()),
        };
        let method = link.edge.method;
        Ok(Some(LinkReason { method: method.as_str(), confidence: method.confidence(), hashes }))
    }
}
