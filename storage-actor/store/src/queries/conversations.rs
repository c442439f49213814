//! Lists of conversations.

use std::collections::HashMap;

use duplicate::duplicate_item;
use nexus_contract::{ExchangeId, TerminalState};
use nexus_messages::Cost;
use sqlx::{FromRow, Postgres, Sqlite};
use uuid::Uuid;

use super::{
    conditions::Conditions,
    first, graph, metrics,
    row::{count, instant, lines},
    statement::{Statement, Value},
    syntax::{Has, Search},
    tools::Asked,
    types::{
        ConversationCounts, ConversationFilter, ConversationGraph, ConversationSort,
        ConversationSummary, Cursor, Page, Paging,
    },
    walk::{self, Seen, Step, Walk, Walked},
    words::Words,
};
use crate::{engine::SqlStore, error::Result};

const CANNOT: &str = "conversations cannot be listed";

const CONVERSATION: &str = "\
    c.conversation_id, c.domain, c.title, c.first_at, c.last_at, c.request_count, c.error_count, \
    c.input_tokens, c.output_tokens, c.cache_read_tokens, c.cache_creation_tokens, c.cost_nanos, \
    c.unpriced_count, c.branch_count, c.subtask_count, c.compact_count, c.accounts, c.models, \
    c.latest_id, c.latest_model, c.latest_state, c.latest_preview, c.latest_context_tokens, \
    c.message_count";

/// `SUM` of BIGINT is NUMERIC on PostgreSQL, hence the casts.
const COUNTS: &str = "SELECT COUNT(*), CAST(COALESCE(SUM(c.branch_count), 0) AS BIGINT), \
    CAST(COALESCE(SUM(c.subtask_count), 0) AS BIGINT), \
    CAST(COALESCE(SUM(c.compact_count), 0) AS BIGINT)";

const TOKENS: &str =
    "(c.input_tokens + c.output_tokens + c.cache_read_tokens + c.cache_creation_tokens)";

/// Those that exchanges are known of.
const CONVERSATIONS: &str = "conversations c WHERE c.first_at IS NOT NULL";

/// Goes on behind conversations that were found.
const OF_FOUND: &str = ") f CROSS JOIN conversations c \
    WHERE c.conversation_id = f.conversation_id AND c.first_at IS NOT NULL";

#[derive(Debug, FromRow)]
struct ConversationRow {
    conversation_id: Uuid,
    domain: String,
    title: Option<String>,
    first_at: i64,
    last_at: i64,
    request_count: i64,
    error_count: i64,
    input_tokens: i64,
    output_tokens: i64,
    cache_read_tokens: i64,
    cache_creation_tokens: i64,
    cost_nanos: i64,
    unpriced_count: i64,
    branch_count: i64,
    subtask_count: i64,
    compact_count: i64,
    accounts: String,
    models: String,
    latest_id: Option<Uuid>,
    latest_model: Option<String>,
    latest_state: Option<String>,
    latest_preview: Option<String>,
    latest_context_tokens: Option<i64>,
    message_count: Option<i64>,
    /// The newest place of the words that were searched for.
    #[sqlx(default)]
    document_id: Option<i64>,
}

impl ConversationRow {
    fn tokens(&self) -> i64 {
        self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_creation_tokens
    }

    fn value(&self, sort: ConversationSort) -> i64 {
        match sort {
            ConversationSort::Recent => self.last_at,
            ConversationSort::Cost => self.cost_nanos,
            ConversationSort::Tokens => self.tokens(),
            ConversationSort::Requests => self.request_count,
        }
    }

    /// As a walk sees it.
    fn seen(&self, sort: ConversationSort) -> Seen {
        (self.conversation_id, self.value(sort), self.document_id)
    }

    fn summary(self) -> Result<ConversationSummary> {
        let context = self.latest_context_tokens.map(count);
        let limit =
            metrics::context_limit(self.latest_model.as_deref(), context.unwrap_or_default());
        let is_priced = self.cost_nanos != 0 || self.unpriced_count == 0;
        Ok(ConversationSummary {
            conversation_id: ExchangeId(self.conversation_id),
            first_message_time: instant(self.first_at)?,
            last_message_time: instant(self.last_at)?,
            total_tokens: count(self.tokens()),
            title: self.title,
            preview: self.latest_preview,
            domain: self.domain,
            account_ids: lines(Some(&self.accounts)),
            request_count: count(self.request_count),
            message_count: self.message_count.map_or(0, count),
            input_tokens: count(self.input_tokens),
            output_tokens: count(self.output_tokens),
            cache_read_tokens: count(self.cache_read_tokens),
            cache_creation_tokens: count(self.cache_creation_tokens),
            cost_usd: is_priced.then(|| Cost(self.cost_nanos).usd()),
            unpriced_count: count(self.unpriced_count),
            branch_count: count(self.branch_count),
            subtask_count: count(self.subtask_count),
            compact_count: count(self.compact_count),
            error_count: count(self.error_count),
            has_errors: self.error_count > 0,
            models_used: lines(Some(&self.models)),
            latest_request_id: self.latest_id.map(ExchangeId),
            latest_model: self.latest_model,
            latest_context_tokens: context,
            context_limit: limit.tokens,
            context_limit_is_estimate: limit.is_estimate,
            latest_state: self.latest_state.as_deref().and_then(TerminalState::parse),
            snippets: Vec::new(),
        })
    }
}

/// How the store has what a search names.
struct Found {
    words: Words,
    asked: Asked,
}

/// What the list is ordered by. Conversations that words lead to are sorted; the plus keeps both engines
/// from walking through all of them in search of these.
fn order(sort: ConversationSort, words: &Words) -> String {
    if words.is_none() { column(sort).to_owned() } else { format!("+{}", column(sort)) }
}

const fn column(sort: ConversationSort) -> &'static str {
    match sort {
        ConversationSort::Recent => "c.last_at",
        ConversationSort::Cost => "c.cost_nanos",
        ConversationSort::Tokens => TOKENS,
        ConversationSort::Requests => "c.request_count",
    }
}

fn statement(filter: &ConversationFilter, paging: &Paging, found: &Found) -> Statement {
    let order = order(filter.sort, &found.words);
    let mut statement = Statement::new("SELECT ");
    statement.push(CONVERSATION, []);
    if !found.words.is_none() {
        statement.push(", f.document_id", []);
    }
    push_tables(&mut statement, &found.words);
    conditions(&mut statement, filter, found);
    push_from_cursor(&mut statement, &order, paging.cursor);
    statement.push(" LIMIT ? OFFSET ?", [(paging.rows() + 1).into(), paging.offset.into()]);
    statement
}

/// What comes behind the cursor, in order.
fn push_from_cursor(statement: &mut Statement, order: &str, cursor: Option<Cursor>) {
    if let Some(Cursor { value, id }) = cursor {
        let after = format!(" AND ({order}, c.conversation_id) < (?, ?)");
        statement.push(&after, [value.into(), id.0.into()]);
    }
    push_order(statement, order);
}

fn push_order(statement: &mut Statement, order: &str) {
    statement.push(&format!(" ORDER BY {order} DESC, c.conversation_id DESC"), []);
}

/// Goes on, behind a `WHERE`, with the conditions of the filter but for its words.
fn conditions(statement: &mut Statement, filter: &ConversationFilter, found: &Found) {
    statement.equal("c.domain", filter.domain.as_deref());
    if let Some(account) = &filter.account_id {
        value_condition(statement, "account", "v.value = ?", account.clone());
    }
    statement.between("c.last_at", filter.from, None);
    statement.between("c.first_at", None, filter.to);
    search_conditions(statement, &filter.search, found);
}

fn search_conditions(statement: &mut Statement, search: &Search, found: &Found) {
    statement.any_of("c.domain", &search.domains);
    if !search.accounts.is_empty() {
        statement.push(" AND EXISTS (SELECT 1 FROM conversation_values v WHERE ", []);
        statement.push("v.conversation_id = c.conversation_id AND v.field = 'account'", []);
        statement.any_of("v.value", &search.accounts);
        statement.push(")", []);
    }
    if let Some(models) = &found.asked.models {
        models.push(statement);
    } else {
        statement.contains_any("c.models", &search.models);
    }
    if let Some(tools) = &found.asked.tools {
        for tool in tools {
            tool.push(statement);
        }
    } else {
        for tool in &search.tools {
            value_condition(statement, "tool", "lower(v.value) = ?", tool.to_lowercase());
        }
    }
    statement.bounds(TOKENS, &search.tokens);
    statement.bounds("c.cost_nanos", &search.cost);
    statement.between("c.last_at", search.from, None);
    statement.between("c.first_at", None, search.to);
    for has in &search.has {
        statement.push(has_condition(*has), []);
    }
}

/// Some exchange of the conversation has such a value.
fn value_condition(statement: &mut Statement, field: &str, condition: &str, value: String) {
    let sql = format!(
        " AND EXISTS (SELECT 1 FROM conversation_values v \
         WHERE v.conversation_id = c.conversation_id AND v.field = '{field}' AND {condition})"
    );
    statement.push(&sql, [Value::Text(value)]);
}

const fn has_condition(has: Has) -> &'static str {
    match has {
        Has::Error => " AND c.error_count > 0",
        Has::Subtask => " AND c.subtask_count > 0",
        // The main branch is counted as one, and what goes on after a compaction is, too.
        Has::Branch => {
            " AND EXISTS (SELECT 1 FROM conversation_values v \
             WHERE v.conversation_id = c.conversation_id AND v.field = 'branch' \
             AND v.value LIKE 'branch\\_%' ESCAPE '\\')"
        }
        Has::Compact => " AND c.compact_count > 0",
        Has::Analysis => {
            " AND EXISTS (SELECT 1 FROM analyses a WHERE a.conversation_id = c.conversation_id)"
        }
    }
}

/// Of the conversations `c`, those that the words lead to, with the newest place in each. An exchange is
/// looked up once, also where both of its halves have the words. CROSS has SQLite begin with the places.
fn push_tables(statement: &mut Statement, words: &Words) {
    if words.is_none() {
        statement.push(" FROM ", []).push(CONVERSATIONS, []);
        return;
    }
    statement.push(
        " FROM (SELECT e.conversation_id, MAX(p.document_id) AS document_id FROM ( \
         SELECT n.exchange_id, MAX(n.document_id) AS document_id FROM (",
        [],
    );
    words.push_places(statement);
    statement.push(
        ") n GROUP BY n.exchange_id) p CROSS JOIN exchanges e \
         WHERE e.exchange_id = p.exchange_id GROUP BY e.conversation_id",
        [],
    );
    statement.push(OF_FOUND, []);
}

/// A step of a walk through those that meet the conditions, in search of the words.
fn step(filter: &ConversationFilter, found: &Found, step: Step) -> Statement {
    let order = column(filter.sort);
    let seen = first::conversations(&found.words, step, |statement| {
        let select = format!("SELECT c.conversation_id AS id, {order} AS value FROM ");
        statement.push(&select, []).push(CONVERSATIONS, []);
        conditions(statement, filter, found);
        push_from_cursor(statement, order, step.after);
    });
    seen.within(
        &format!("SELECT {CONVERSATION}, f.document_id FROM ("),
        ") f CROSS JOIN conversations c WHERE c.conversation_id = f.id",
    )
}

fn page(
    rows: Vec<ConversationRow>,
    sort: ConversationSort,
    limit: u32,
    words: &Words,
) -> Result<Page<ConversationSummary>> {
    let limit = limit as usize;
    let next_cursor = (rows.len() > limit)
        .then(|| &rows[limit - 1])
        .map(|last| Cursor { value: last.value(sort), id: ExchangeId(last.conversation_id) });
    let items =
        rows.into_iter().take(limit).map(ConversationRow::summary).collect::<Result<_>>()?;
    Ok(Page { items, next_cursor, unsearched: words.unsearched() })
}

/// The conversation of that id, or of the exchange of that id.
fn one(id: ExchangeId) -> Statement {
    let mut statement = Statement::new("SELECT ");
    statement.push(CONVERSATION, []);
    statement
        .push(" FROM conversations c WHERE c.first_at IS NOT NULL AND c.conversation_id = ", []);
    statement.push(
        "COALESCE((SELECT e.conversation_id FROM exchanges e WHERE e.exchange_id = ?), ?)",
        [id.0.into(), id.0.into()],
    );
    statement
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    async fn found(&self, filter: &ConversationFilter) -> Result<Found> {
        let words = self.locate(Words::of::<Engine>(&filter.search)).await?;
        let asked = self.asked_of_conversations(&filter.search).await?;
        Ok(Found { words, asked })
    }

    pub(super) async fn conversations(
        &self,
        filter: &ConversationFilter,
        paging: &Paging,
    ) -> Result<Page<ConversationSummary>> {
        let found = self.found(filter).await?;
        if found.words.is_common() && filter.has_conditions() {
            return self.walked_conversations(filter, paging, &found).await;
        }
        let rows: Vec<ConversationRow> =
            self.list(&statement(filter, paging, &found), CANNOT).await?;
        let newest = rows.iter().take(paging.rows() as usize);
        let places: Vec<_> =
            newest.filter_map(|row| Some((row.document_id?, row.conversation_id))).collect();
        let mut page = page(rows, filter.sort, paging.rows(), &found.words)?;
        self.add_snippets(&filter.search, &places, &mut page.items).await?;
        Ok(page)
    }

    async fn walked_conversations(
        &self,
        filter: &ConversationFilter,
        paging: &Paging,
        found: &Found,
    ) -> Result<Page<ConversationSummary>> {
        let mut walk = Walk::new(paging, walk::CONVERSATIONS);
        while let Some(next) = walk.next_step() {
            let rows = self.list(&step(filter, found, next), CANNOT).await?;
            walk.add(rows, |row: &ConversationRow| row.seen(filter.sort));
        }
        let Walked { hits, next_cursor, unsearched } = walk.page(paging);
        let places: Vec<_> = hits.iter().map(|hit| (hit.document_id, hit.at.id.0)).collect();
        let items = hits.into_iter().map(|hit| hit.row.summary());
        let mut items = items.collect::<Result<Vec<_>>>()?;
        self.add_snippets(&filter.search, &places, &mut items).await?;
        Ok(Page { items, next_cursor, unsearched })
    }

    pub(super) async fn conversation_counts(
        &self,
        filter: &ConversationFilter,
    ) -> Result<ConversationCounts> {
        let words = Words::of::<Engine>(&filter.search).unbounded();
        let asked = self.asked_of_conversations(&filter.search).await?;
        let found = Found { words, asked };
        let mut statement = Statement::new(COUNTS);
        push_tables(&mut statement, &found.words);
        conditions(&mut statement, filter, &found);
        let rows: Vec<(i64, i64, i64, i64)> = self.list(&statement, CANNOT).await?;
        let (conversations, branches, subtasks, compacts) =
            rows.first().copied().unwrap_or_default();
        Ok(ConversationCounts {
            conversations: count(conversations),
            branches: count(branches),
            subtasks: count(subtasks),
            compacts: count(compacts),
        })
    }

    pub(super) async fn conversation(&self, id: ExchangeId) -> Result<Option<ConversationSummary>> {
        let rows: Vec<ConversationRow> = self.list(&one(id), CANNOT).await?;
        rows.into_iter().next().map(ConversationRow::summary).transpose()
    }

    pub(super) async fn titles(&self, ids: &[ExchangeId]) -> Result<HashMap<ExchangeId, String>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut statement =
            Statement::new("SELECT c.conversation_id, c.title FROM conversations c");
        statement.push(" WHERE c.title IS NOT NULL AND ", []);
        statement.push_in("c.conversation_id", ids.iter().map(|id| id.0.into()));
        let rows: Vec<(Uuid, String)> = self.list(&statement, CANNOT).await?;
        Ok(rows.into_iter().map(|(id, title)| (ExchangeId(id), title)).collect())
    }

    pub(super) async fn graph(
        &self,
        id: ExchangeId,
        max_nodes: u32,
    ) -> Result<Option<ConversationGraph>> {
        let Some(conversation) = self.conversation(id).await? else { return Ok(None) };
        let (id, max) = (conversation.conversation_id, max_nodes as usize);
        let mut nodes = self.nodes(id, max_nodes.saturating_add(1)).await?;
        let truncated = nodes.len() > max;
        nodes.truncate(max);
        let branches = graph::branches(&nodes);
        Ok(Some(ConversationGraph { conversation, nodes, branches, truncated }))
    }
}
