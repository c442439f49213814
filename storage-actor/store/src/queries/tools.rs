//! Conversations in which the tools of a search are called.

use duplicate::duplicate_item;
use sqlx::{Postgres, Sqlite};

use super::{calling::push_names, statement::Statement, syntax::Search};
use crate::{engine::SqlStore, error::Result};

const CANNOT: &str = "conversations that call a tool cannot be counted";

/// So many are looked up and sorted in a few milliseconds. More are met soon where the list walks.
const MAX_FEW: u32 = 2_000;

/// A tool as conversations write it.
#[derive(Debug)]
pub(super) struct Tool {
    names: Vec<String>,
    is_rare: bool,
}

impl Tool {
    /// Adds the condition to a statement about `conversations c`.
    pub(super) fn push(&self, statement: &mut Statement) {
        if self.names.is_empty() {
            statement.push(" AND 1 = 0", []);
        } else if self.is_rare {
            statement.push(" AND c.conversation_id IN (", []);
            statement.push("SELECT v.conversation_id FROM conversation_values v", []);
            push_names(statement, &self.names);
            statement.push(")", []);
        } else {
            statement.push(" AND EXISTS (SELECT 1 FROM conversation_values v", []);
            push_names(statement, &self.names);
            // The offset keeps PostgreSQL from a join, which would begin with all that call the tool.
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
    ) -> Result<Option<Vec<Tool>>> {
        let Some(named) = self.tools(search).await? else { return Ok(None) };
        let mut tools = Vec::with_capacity(named.len());
        for names in named {
            let is_rare = !names.is_empty() && self.is_rare(&names).await?;
            tools.push(Tool { names, is_rare });
        }
        Ok(Some(tools))
    }

    async fn is_rare(&self, names: &[String]) -> Result<bool> {
        let mut conversations = Statement::new("SELECT 1 AS one FROM conversation_values v");
        push_names(&mut conversations, names);
        self.has_at_most(conversations, MAX_FEW, CANNOT).await
    }
}
