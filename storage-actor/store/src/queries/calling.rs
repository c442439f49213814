//! Exchanges that call a tool, looked up by the conversations that count it.

use duplicate::duplicate_item;
use sqlx::{Postgres, Sqlite};

use super::{
    names::Names,
    statement::Statement,
    syntax::Search,
    types::{Paging, RequestFilter},
};
use crate::{engine::SqlStore, error::Result, materialised::TOOL};

const CANNOT: &str = "exchanges that call a tool cannot be found";

/// Most exchanges of a conversation may not call the tool: a list of those that do is walked for longer
/// until it is full, so more are looked up than for other conditions.
pub(super) const MAX_FEW: u32 = 5_000;

/// A walk passes twice as many in the time in which these are looked up.
const MAX_WALKED: u32 = 10_000;

/// Conversations, the newest, among which those of a page are looked for.
const MAX_CONVERSATIONS: u32 = 500;

/// Exchanges that call tools, and that no conversation counts.
const BESIDE: &str =
    "e.tool_names IS NOT NULL AND (e.conversation_id IS NULL OR e.kind = 'auxiliary')";

/// Microseconds, both included, between which all of a page is found.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    from: Option<i64>,
    to: Option<i64>,
}

impl Span {
    pub(super) fn push(self, statement: &mut Statement) {
        if let Some(from) = self.from {
            statement.push(" AND e.at >= ?", [from.into()]);
        }
        if let Some(to) = self.to {
            statement.push(" AND e.at <= ?", [to.into()]);
        }
    }
}

/// Goes on, behind a `WHERE`, with what is of no conversation, and adds by another `select` whatever the
/// conversations hold in which the tool is called: which exchange calls it is told by its row.
pub(super) fn push(statement: &mut Statement, select: &str, names: &[String], span: Span) {
    statement.push(" AND ", []).push(BESIDE, []);
    span.push(statement);
    if names.is_empty() {
        return;
    }
    statement.push(" UNION ALL ", []).push(select, []);
    statement.push(" JOIN conversation_values v ON v.conversation_id = e.conversation_id", []);
    push_names(statement, TOOL, names);
    span.push(statement);
}

/// Goes on, behind `conversation_values v`, with those of these names.
pub(super) fn push_names(statement: &mut Statement, field: &str, names: &[String]) {
    let names = names.iter().map(|name| name.as_str().into());
    let field = format!(" WHERE v.field = '{field}' AND ");
    statement.push(&field, []).push_in("v.value", names);
}

/// The names of the tool, if calling it is all that is asked: then each conversation that counts it has
/// a row for the page.
fn only_tool<'a>(filter: &RequestFilter, names: &'a Names) -> Option<&'a [String]> {
    let tools = filter.search.tools.clone();
    let search = Search { tools, ..Search::default() };
    let alone = RequestFilter { search, ..RequestFilter::default() };
    match names.tools.as_deref() {
        Some([tool]) if !tool.is_empty() && *filter == alone => Some(tool),
        _others => None,
    }
}

/// When the oldest began of the newest conversations that fill a page by themselves: what is older is
/// not on it.
fn begin(tool: &[String], paging: &Paging) -> Statement {
    let mut statement = Statement::new("SELECT c.first_at FROM (");
    statement.push("SELECT DISTINCT v.conversation_id FROM conversation_values v", []);
    push_names(&mut statement, TOOL, tool);
    statement.push(
        " ORDER BY v.conversation_id DESC LIMIT ?) t \
         JOIN conversations c ON c.conversation_id = t.conversation_id \
         WHERE c.first_at IS NOT NULL",
        [MAX_CONVERSATIONS.into()],
    );
    if let Some(cursor) = paging.cursor {
        statement.push(" AND c.last_at < ?", [cursor.value.into()]);
    }
    let before = i64::from(paging.offset) + i64::from(paging.rows());
    statement.push(" ORDER BY c.first_at DESC LIMIT 1 OFFSET ?", [before.into()]);
    statement
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// Between which instants the page is found, where that is known.
    pub(super) async fn span(
        &self,
        filter: &RequestFilter,
        paging: &Paging,
        names: &Names,
    ) -> Result<Span> {
        let Some(tool) = only_tool(filter, names) else { return Ok(Span::default()) };
        let found: Vec<(i64,)> = self.list(&begin(tool, paging), CANNOT).await?;
        let from = found.first().map(|(first_at,)| *first_at);
        Ok(Span { from, to: paging.cursor.map(|cursor| cursor.value) })
    }

    /// Whether a walk through all of it, at the most, fills the page soon.
    pub(super) async fn is_short(&self, span: Span) -> Result<bool> {
        if span.from.is_none() {
            return Ok(false);
        }
        let mut walked = Statement::new("SELECT 1 AS one FROM exchanges e WHERE TRUE");
        span.push(&mut walked);
        self.has_at_most(walked, MAX_WALKED, CANNOT).await
    }
}
