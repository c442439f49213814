//! The names that a search means, as the store has them.
//!
//! Models and tools have few names and many exchanges. So it is found out first which names a search
//! means: one that nothing bears ends it, and one that few bear is looked up.

use duplicate::duplicate_item;
use sqlx::{Postgres, Sqlite};

use super::{statement::Statement, syntax::Search};
use crate::{
    engine::SqlStore,
    error::Result,
    materialised::{MODEL, TOOL},
};

const CANNOT: &str = "names of models and tools cannot be read";

/// Each name is a step or two in an index. Where clients make up more, lists are walked.
const MAX_NAMES: u32 = 1_000;

/// Each name once, from one to the next in the index, with its newest exchange.
const MODELS: &str = "WITH RECURSIVE n (name) AS (\
        SELECT MIN(e.model) FROM exchanges e UNION ALL \
        SELECT (SELECT MIN(e.model) FROM exchanges e WHERE e.model > n.name) \
        FROM n WHERE n.name IS NOT NULL) \
    SELECT n.name, (SELECT MAX(e.at) FROM exchanges e WHERE e.model = n.name) \
    FROM n WHERE n.name IS NOT NULL LIMIT ?";

/// `None` where nothing is asked, or more names are known than are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Models, any of which, each with the time of its newest exchange.
    pub models: Option<Vec<(String, i64)>>,
    /// For each tool of the search how conversations write it.
    pub tools: Option<Vec<Vec<String>>>,
}

impl Names {
    /// The newest exchange with one of the models.
    pub(super) fn newest(&self) -> Option<i64> {
        self.models.iter().flatten().map(|(_, newest)| *newest).max()
    }
}

/// All names, if they are not too many.
fn all<T>(names: Vec<T>) -> Option<Vec<T>> {
    (names.len() <= MAX_NAMES as usize).then_some(names)
}

/// Each name once, as conversations write it.
fn values(field: &str) -> Statement {
    let least = format!("SELECT MIN(v.value) FROM conversation_values v WHERE v.field = '{field}'");
    statement(&format!(
        "WITH RECURSIVE n (name) AS ({least} UNION ALL \
         SELECT ({least} AND v.value > n.name) FROM n WHERE n.name IS NOT NULL) \
         SELECT n.name FROM n WHERE n.name IS NOT NULL LIMIT ?"
    ))
}

/// Tells whether a model is one that the search means.
fn is_meant(search: &Search) -> impl Fn(&str) -> bool {
    let parts: Vec<_> = search.models.iter().map(|model| model.to_lowercase()).collect();
    move |name| {
        let name = name.to_lowercase();
        parts.iter().any(|part| name.contains(part))
    }
}

fn statement(sql: &str) -> Statement {
    let mut statement = Statement::new("");
    statement.push(sql, [(MAX_NAMES + 1).into()]);
    statement
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn names(&self, search: &Search) -> Result<Names> {
        Ok(Names { models: self.models(search).await?, tools: self.tools(search).await? })
    }

    async fn models(&self, search: &Search) -> Result<Option<Vec<(String, i64)>>> {
        if search.models.is_empty() {
            return Ok(None);
        }
        let is_meant = is_meant(search);
        let known: Vec<(String, i64)> = self.list(&statement(MODELS), CANNOT).await?;
        let known = all(known);
        Ok(known.map(|known| known.into_iter().filter(|(name, _)| is_meant(name)).collect()))
    }

    /// Those, as conversations write them.
    pub(super) async fn models_in_conversations(
        &self,
        search: &Search,
    ) -> Result<Option<Vec<String>>> {
        if search.models.is_empty() {
            return Ok(None);
        }
        let is_meant = is_meant(search);
        let known: Vec<(String,)> = self.list(&values(MODEL), CANNOT).await?;
        let known = all(known).map(|known| known.into_iter().map(|(name,)| name));
        Ok(known.map(|known| known.filter(|name| is_meant(name)).collect()))
    }

    pub(super) async fn tools(&self, search: &Search) -> Result<Option<Vec<Vec<String>>>> {
        if search.tools.is_empty() {
            return Ok(None);
        }
        let known: Vec<(String,)> = self.list(&values(TOOL), CANNOT).await?;
        let Some(known) = all(known) else { return Ok(None) };
        let written = |tool: &String| {
            let tool = tool.to_lowercase();
            let same = known.iter().filter(|(name,)| name.to_lowercase() == tool);
            same.map(|(name,)| name.clone()).collect()
        };
        Ok(Some(search.tools.iter().map(written).collect()))
    }
}
