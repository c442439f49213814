//! Conversations in which the tools of a search are called, or its models are asked.

use duplicate::duplicate_item;
use sqlx::{Postgres, Sqlite};

use super::{calling::push_names, statement::Statement, syntax::Search};
use crate::{
    engine::SqlStore,
    error::Result,
    materialised::{MODEL, TOOL},
};

const CANNOT: &str = "conversations with a tool or a model cannot be counted";

/// So many are looked up and sorted in a few milliseconds. More are met soon where the list walks.
const MAX_FEW: u32 = 2_000;

/// A tool, or models of which any will do, as conversations write them.
#[derive(Debug)]
pub(super) struct Named {
    field: &'static str,
    names: Vec<String>,
    is_rare: bool,
}

impl Named {
    /// Adds the condition to a statement about `conversations c`.
    pub(super) fn push(&self, statement: &mut Statement) {
        if self.names.is_empty() {
            statement.push(" AND 1 = 0", []);
        } else if self.is_rare {
            statement.push(" AND c.conversation_id IN (", []);
            statement.push("SELECT v.conversation_id FROM conversation_values v", []);
            push_names(statement, self.field, &self.names);
            statement.push(")", []);
        } else {
            statement.push(" AND EXISTS (SELECT 1 FROM conversation_values v", []);
            push_names(statement, self.field, &self.names);
            // The offset keeps PostgreSQL from a join, which would begin with all of that name.
            statement.push(" AND v.conversation_id = c.conversation_id LIMIT 1 OFFSET 0)", []);
        }
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// `None` where more names are known than are looked at.
    pub(super) async fn tools_of_conversations(
        &self,
        search: &Search,
    ) -> Result<Option<Vec<Named>>> {
        let Some(tools) = self.tools(search).await? else { return Ok(None) };
        let mut named = Vec::with_capacity(tools.len());
        for names in tools {
            named.push(self.named(TOOL, names).await?);
        }
        Ok(Some(named))
    }

    /// `None` where none are asked for, or more names are known than are looked at.
    pub(super) async fn models_of_conversations(&self, search: &Search) -> Result<Option<Named>> {
        let Some(names) = self.models_in_conversations(search).await? else { return Ok(None) };
        Ok(Some(self.named(MODEL, names).await?))
    }

    async fn named(&self, field: &'static str, names: Vec<String>) -> Result<Named> {
        let is_rare = !names.is_empty() && self.is_rare(field, &names).await?;
        Ok(Named { field, names, is_rare })
    }

    async fn is_rare(&self, field: &str, names: &[String]) -> Result<bool> {
        let mut conversations = Statement::new("SELECT 1 AS one FROM conversation_values v");
        push_names(&mut conversations, field, names);
        self.has_at_most(conversations, MAX_FEW, CANNOT).await
    }
}
