//! The nodes of a conversation's graph, all in one value: as thousands of rows of as many columns they
//! take several times as long as their text.

use duplicate::duplicate_item;
use nexus_contract::{ExchangeId, TerminalState};
use nexus_messages::Cost;
use serde::Deserialize;
use sqlx::{Postgres, Sqlite};
use uuid::Uuid;

use super::{
    row::{KNOWN, count, instant, is_subtask, known, lines, sum},
    statement::Statement,
    types::{ExchangeKind, GraphNode, NodeTokens},
};
use crate::{
    dialect::Dialect,
    engine::SqlStore,
    error::{Result, StoreError},
};

const CANNOT: &str = "a conversation's exchanges cannot be read";

/// The columns of a [`NodeRow`] behind its ids, of exchanges `e`.
const COLUMNS: &str = "e.external_id, e.at, COALESCE(e.model, e.answer_model), e.message_count, \
    e.last_message_kind, e.prompt, e.tool_ms, e.state, e.status, e.first_byte_ms, e.duration_ms, \
    e.stop_reason, e.tool_names, e.preview, e.input_tokens, e.output_tokens, e.cache_read_tokens, \
    e.cache_creation_5m_tokens, e.cache_creation_1h_tokens, e.cost_nanos, e.branch_id, e.kind, \
    e.agent_id";

/// An exchange as an array of its three ids and [`COLUMNS`], in this order.
#[derive(Debug, Deserialize)]
struct NodeRow {
    exchange_id: Uuid,
    parent_id: Option<Uuid>,
    parent_task_id: Option<Uuid>,
    external_id: Option<String>,
    at: i64,
    model: Option<String>,
    message_count: Option<i64>,
    last_message_kind: Option<String>,
    prompt: Option<String>,
    tool_ms: Option<i64>,
    state: Option<String>,
    status: Option<i64>,
    first_byte_ms: Option<i64>,
    duration_ms: Option<i64>,
    stop_reason: Option<String>,
    tool_names: Option<String>,
    preview: Option<String>,
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    cache_read_tokens: Option<i64>,
    cache_creation_5m_tokens: Option<i64>,
    cache_creation_1h_tokens: Option<i64>,
    cost_nanos: Option<i64>,
    branch_id: Option<String>,
    kind: Option<String>,
    agent_id: Option<String>,
}

impl NodeRow {
    fn node(self) -> Result<GraphNode> {
        let tokens = NodeTokens {
            input: self.input_tokens.map_or(0, count),
            output: self.output_tokens.map_or(0, count),
            cache_read: self.cache_read_tokens.map_or(0, count),
            cache_creation: sum(self.cache_creation_5m_tokens, self.cache_creation_1h_tokens)
                .unwrap_or(0),
            cache_creation_1h: self.cache_creation_1h_tokens.map_or(0, count),
        };
        Ok(GraphNode {
            request_id: ExchangeId(self.exchange_id),
            parent_request_id: self.parent_id.map(ExchangeId),
            parent_task_request_id: self.parent_task_id.map(ExchangeId),
            kind: known(self.kind.as_deref(), "kind", ExchangeKind::parse)?,
            timestamp: instant(self.at)?,
            duration_ms: self.duration_ms.map(count),
            first_token_ms: self.first_byte_ms.map(count),
            message_count: self.message_count.map_or(0, count),
            tokens,
            cost_usd: self.cost_nanos.map(|nanos| Cost(nanos).usd()),
            state: known(self.state.as_deref(), "state", TerminalState::parse)?,
            response_status: self.status.and_then(|status| status.try_into().ok()),
            tool_ms: self.tool_ms.map(count),
            tool_names: lines(self.tool_names.as_deref()),
            is_subtask: is_subtask(self.branch_id.as_deref()),
            external_id: self.external_id,
            branch_id: self.branch_id,
            agent_id: self.agent_id,
            model: self.model,
            last_message_kind: self.last_message_kind,
            stop_reason: self.stop_reason,
            prompt: self.prompt,
            preview: self.preview,
        })
    }
}

/// The oldest of a conversation, in no order.
fn statement<DB: Dialect>(conversation: ExchangeId, max: u32) -> Statement {
    let ids = ["e.exchange_id", "e.parent_id", "e.parent_task_id"].map(DB::id_in_json).join(", ");
    let (begin, end) = DB::ROWS_AS_JSON;
    let mut statement = Statement::new("SELECT CAST(");
    statement.push(&format!("{begin}{ids}, {COLUMNS}{end} AS TEXT) FROM ("), []);
    statement.push("SELECT e.* FROM exchanges e WHERE ", []).push(KNOWN, []);
    statement.push(
        " AND e.conversation_id = ? ORDER BY e.at, e.exchange_id LIMIT ?) e",
        [conversation.0.into(), max.into()],
    );
    statement
}

fn nodes(packed: &str) -> Result<Vec<GraphNode>> {
    let mut rows: Vec<NodeRow> = serde_json::from_str(packed)
        .map_err(|error| StoreError::Corrupt(format!("exchanges as JSON: {error}")))?;
    rows.sort_unstable_by_key(|row| (row.at, row.exchange_id));
    rows.into_iter().map(NodeRow::node).collect()
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// Up to `max` exchanges of the conversation, oldest first.
    pub(super) async fn nodes(&self, conversation: ExchangeId, max: u32) -> Result<Vec<GraphNode>> {
        let statement = statement::<Engine>(conversation, max);
        let packed: Vec<(Option<String>,)> = self.list(&statement, CANNOT).await?;
        let packed = packed.into_iter().find_map(|(packed,)| packed);
        packed.as_deref().map_or_else(|| Ok(Vec::new()), nodes)
    }
}
