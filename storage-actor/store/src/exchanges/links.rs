//! What an exchange's row copies from the link tables, so that lists need no join.

use std::collections::HashMap;

use duplicate::duplicate_item;
use sqlx::{Database, Postgres, Sqlite};
use uuid::Uuid;

use super::row::ExchangeRow;
use crate::{
    bulk,
    engine::SqlStore,
    error::{Context, Result},
};

/// The current link of an exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct LinkState {
    exchange_id: Uuid,
    conversation_id: Option<Uuid>,
    branch_id: Option<String>,
    kind: Option<String>,
    parent_id: Option<Uuid>,
    parent_task_id: Option<Uuid>,
    agent_id: Option<String>,
}

const LINKS: &str = "SELECT exchange_id, conversation_id, branch_id, kind, parent_id, \
    parent_task_id, agent_id FROM link_states WHERE exchange_id IN";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn read_links(
        connection: &mut <Engine as Database>::Connection,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, LinkState>> {
        let mut links = HashMap::with_capacity(ids.len());
        for some in ids.chunks(bulk::KEYS) {
            let mut query = bulk::in_list::<Engine, _>(LINKS, some, "");
            let found: Vec<LinkState> =
                query.build_query_as().fetch_all(&mut *connection).await.context(LINKS)?;
            links.extend(found.into_iter().map(|link| (link.exchange_id, link)));
        }
        Ok(links)
    }
}

impl ExchangeRow {
    /// Copies the link; without one the exchange belongs nowhere.
    pub(super) fn take_link(&mut self, link: Option<&LinkState>) {
        let link = link.cloned().unwrap_or_default();
        self.conversation_id = link.conversation_id;
        self.branch_id = link.branch_id;
        self.kind = link.kind;
        self.parent_id = link.parent_id;
        self.parent_task_id = link.parent_task_id;
        self.agent_id = link.agent_id;
    }
}
