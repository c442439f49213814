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

/// The same, as conversations write them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NamesInConversations {
    pub models: Option<Vec<String>>,
    pub tools: Option<Vec<Vec<String>>>,
}

/// Each name of each of the fields once, as conversations write it; the fields take turns.
fn values(fields: &[&'static str]) -> Statement {
    let least = "(SELECT MIN(v.value) FROM conversation_values v WHERE v.field =";
    let mut statement = Statement::new("WITH RECURSIVE n (field, name) AS (");
    for field in fields {
        let first = format!("SELECT CAST(? AS TEXT), {least} ?) UNION ALL ");
        statement.push(&first, [(*field).into(), (*field).into()]);
    }
    let most = u32::try_from(fields.len()).unwrap_or(1) * (MAX_NAMES + 1);
    statement.push(
        &format!(
            "SELECT n.field, {least} n.field AND v.value > n.name) \
             FROM n WHERE n.name IS NOT NULL) \
             SELECT n.field, n.name FROM n WHERE n.name IS NOT NULL LIMIT ?"
        ),
        [most.into()],
    );
    statement
}

/// The names of a field, if they are not too many.
fn of_field(known: &[(String, String)], field: &str) -> Option<Vec<String>> {
    let names = known.iter().filter(|(of, _)| of == field).map(|(_, name)| name.clone());
    all(names.collect())
}

/// How the names are written that mean these tools, for each of them.
fn written(tools: &[String], known: &[String]) -> Vec<Vec<String>> {
    let written = |tool: &String| {
        let tool = tool.to_lowercase();
        known.iter().filter(|name| name.to_lowercase() == tool).cloned().collect()
    };
    tools.iter().map(written).collect()
}

/// Tells whether a model is one that the search means.
fn is_meant(search: &Search) -> impl Fn(&str) -> bool {
    let parts: Vec<_> = search.models.iter().map(|model| model.to_lowercase()).collect();
    move |name| {
        let name = name.to_lowercase();
        parts.iter().any(|part| name.contains(part))
    }
}

fn models() -> Statement {
    let mut statement = Statement::new("");
    statement.push(MODELS, [(MAX_NAMES + 1).into()]);
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
        let known: Vec<(String, i64)> = self.list(&models(), CANNOT).await?;
        let known = all(known);
        Ok(known.map(|known| known.into_iter().filter(|(name, _)| is_meant(name)).collect()))
    }

    /// Models and tools in one statement.
    pub(super) async fn names_in_conversations(
        &self,
        search: &Search,
    ) -> Result<NamesInConversations> {
        let asked = [(MODEL, search.models.is_empty()), (TOOL, search.tools.is_empty())];
        let fields: Vec<_> =
            asked.into_iter().filter(|(_, is_none)| !is_none).map(|(field, _)| field).collect();
        if fields.is_empty() {
            return Ok(NamesInConversations::default());
        }
        let known: Vec<(String, String)> = self.list(&values(&fields), CANNOT).await?;
        let names_of = |field| {
            let is_asked = fields.contains(&field);
            is_asked.then(|| of_field(&known, field)).flatten()
        };
        let is_meant = is_meant(search);
        Ok(NamesInConversations {
            models: names_of(MODEL)
                .map(|names| names.into_iter().filter(|name| is_meant(name)).collect()),
            tools: names_of(TOOL).map(|known| written(&search.tools, &known)),
        })
    }

    async fn tools(&self, search: &Search) -> Result<Option<Vec<Vec<String>>>> {
        if search.tools.is_empty() {
            return Ok(None);
        }
        let known: Vec<(String, String)> = self.list(&values(&[TOOL]), CANNOT).await?;
        Ok(of_field(&known, TOOL).map(|known| written(&search.tools, &known)))
    }
}
