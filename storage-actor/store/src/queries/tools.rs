//! Conversations in which the tools of a search are called, or its models are asked.

use duplicate::duplicate_item;
use sqlx::{Postgres, Sqlite};

use super::{
    calling::push_names, names::NamesInConversations, statement::Statement, syntax::Search,
};
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

/// What a search names, as conversations write it. `None` where nothing is asked for, or more names are
/// known than are looked at.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub tools: Option<Vec<Named>>,
    pub models: Option<Named>,
}

impl Asked {
    fn of(names: NamesInConversations) -> Self {
        let named = |field| move |names| Named { field, names, is_rare: false };
        Self {
            tools: names.tools.map(|tools| tools.into_iter().map(named(TOOL)).collect()),
            models: names.models.map(named(MODEL)),
        }
    }

    /// Those that some conversation has.
    fn known(&mut self) -> Vec<&mut Named> {
        let all = self.tools.iter_mut().flatten().chain(self.models.as_mut());
        all.filter(|named| !named.names.is_empty()).collect()
    }
}

/// In how many conversations each of them is, by their numbers, counted up to where it is no longer
/// rare.
fn counts(asked: &[&mut Named]) -> Statement {
    let mut statement = Statement::new("");
    for (number, named) in (0_i64..).zip(asked) {
        statement.push(if number == 0 { "" } else { " UNION ALL " }, []);
        let select = "SELECT CAST(? AS BIGINT), COUNT(*) FROM \
            (SELECT 1 AS one FROM conversation_values v";
        statement.push(select, [number.into()]);
        push_names(&mut statement, named.field, &named.names);
        statement.push(" LIMIT ?) t", [(MAX_FEW + 1).into()]);
    }
    statement
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn asked_of_conversations(&self, search: &Search) -> Result<Asked> {
        let mut asked = Asked::of(self.names_in_conversations(search).await?);
        self.find_rare(&mut asked.known()).await?;
        Ok(asked)
    }

    async fn find_rare(&self, known: &mut [&mut Named]) -> Result<()> {
        if known.is_empty() {
            return Ok(());
        }
        let counted: Vec<(i64, i64)> = self.list(&counts(known), CANNOT).await?;
        for (number, count) in counted {
            let named = usize::try_from(number).ok().and_then(|number| known.get_mut(number));
            if let Some(named) = named {
                named.is_rare = count <= i64::from(MAX_FEW);
            }
        }
        Ok(())
    }
}
