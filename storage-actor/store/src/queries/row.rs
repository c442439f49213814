//! From rows of `exchanges` to what readers get.

use jiff::Timestamp;
use nexus_contract::{ExchangeId, TerminalState};
use nexus_messages::{Cost, RequestType};
use sqlx::FromRow;
use uuid::Uuid;

use super::types::{ExchangeKind, RequestSummary};
use crate::error::{Result, StoreError};

/// Rows of `exchanges e` of which more is known than their link.
pub(super) const KNOWN: &str = "(e.method IS NOT NULL OR e.state IS NOT NULL)";

/// The same, told by the few of which no more is known: an index holds them, so that what passes over
/// exchanges need not read them.
pub(super) const KNOWN_BY_INDEX: &str = "e.exchange_id NOT IN \
    (SELECT u.exchange_id FROM exchanges u WHERE u.method IS NULL AND u.state IS NULL)";

/// The columns of [`ExchangeRow`], of `exchanges e`.
pub(super) const COLUMNS: &str = "\
    e.exchange_id, e.external_id, e.domain, e.account_id, e.at, \
    COALESCE(e.model, e.answer_model) AS model, e.request_type, e.streamed, \
    e.message_count, e.tool_count, e.prompt, e.state, e.status, \
    e.first_byte_ms, e.duration_ms, e.error, e.stop_reason, e.tool_names, e.preview, \
    e.input_tokens, e.output_tokens, e.cache_read_tokens, e.cache_creation_5m_tokens, \
    e.cache_creation_1h_tokens, e.cost_nanos, e.conversation_id, e.branch_id, e.kind, e.parent_id, \
    e.parent_task_id, e.agent_id";

#[derive(Debug, FromRow)]
pub(super) struct ExchangeRow {
    pub(super) exchange_id: Uuid,
    external_id: Option<String>,
    domain: String,
    account_id: Option<String>,
    pub(super) at: i64,
    model: Option<String>,
    request_type: Option<String>,
    streamed: Option<bool>,
    message_count: Option<i64>,
    tool_count: Option<i64>,
    prompt: Option<String>,
    state: Option<String>,
    status: Option<i64>,
    first_byte_ms: Option<i64>,
    pub(super) duration_ms: Option<i64>,
    error: Option<String>,
    stop_reason: Option<String>,
    tool_names: Option<String>,
    preview: Option<String>,
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    cache_read_tokens: Option<i64>,
    cache_creation_5m_tokens: Option<i64>,
    cache_creation_1h_tokens: Option<i64>,
    pub(super) cost_nanos: Option<i64>,
    conversation_id: Option<Uuid>,
    branch_id: Option<String>,
    kind: Option<String>,
    parent_id: Option<Uuid>,
    parent_task_id: Option<Uuid>,
    agent_id: Option<String>,
    /// The newest place of the words that a walk looked for.
    #[sqlx(default)]
    pub(super) document_id: Option<i64>,
}

impl ExchangeRow {
    pub(super) fn summary(self) -> Result<RequestSummary> {
        let creation = sum(self.cache_creation_5m_tokens, self.cache_creation_1h_tokens);
        Ok(RequestSummary {
            request_id: ExchangeId(self.exchange_id),
            timestamp: instant(self.at)?,
            state: known(self.state.as_deref(), "state", TerminalState::parse)?,
            request_type: known(self.request_type.as_deref(), "request_type", RequestType::parse)?,
            kind: known(self.kind.as_deref(), "kind", ExchangeKind::parse)?,
            is_subtask: is_subtask(self.branch_id.as_deref()),
            input_tokens: self.input_tokens.map(count),
            output_tokens: self.output_tokens.map(count),
            cache_read_tokens: self.cache_read_tokens.map(count),
            cache_creation_tokens: creation,
            cache_creation_1h_tokens: self.cache_creation_1h_tokens.map(count),
            cost_usd: self.cost_nanos.map(|nanos| Cost(nanos).usd()),
            duration_ms: self.duration_ms.map(count),
            first_token_ms: self.first_byte_ms.map(count),
            response_status: self.status.and_then(|status| status.try_into().ok()),
            message_count: self.message_count.map(count),
            tool_count: self.tool_count.map(count),
            conversation_id: self.conversation_id.map(ExchangeId),
            parent_request_id: self.parent_id.map(ExchangeId),
            parent_task_request_id: self.parent_task_id.map(ExchangeId),
            tool_names: lines(self.tool_names.as_deref()),
            external_id: self.external_id,
            domain: self.domain,
            account_id: self.account_id,
            model: self.model,
            streamed: self.streamed,
            branch_id: self.branch_id,
            agent_id: self.agent_id,
            prompt: self.prompt,
            preview: self.preview,
            stop_reason: self.stop_reason,
            error: self.error,
        })
    }
}

/// A branch of a sub-agent; their names are given by the linker.
pub(super) fn is_subtask(branch_id: Option<&str>) -> bool {
    branch_id.is_some_and(|branch| branch.starts_with("subtask_"))
}

pub(super) fn instant(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros)
        .map_err(|error| StoreError::Corrupt(format!("the instant {micros}: {error}")))
}

/// A count; the tables hold no negative ones.
pub(super) fn count(value: i64) -> u64 {
    value.try_into().unwrap_or(0)
}

/// Values kept one a line.
pub(super) fn lines(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default().lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

pub(super) fn sum(a: Option<i64>, b: Option<i64>) -> Option<u64> {
    (a.is_some() || b.is_some()).then(|| count(a.unwrap_or(0)) + count(b.unwrap_or(0)))
}

pub(super) fn known<T>(
    name: Option<&str>,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>> {
    let corrupt = |name| StoreError::Corrupt(format!("exchanges.{column} is {name:?}"));
    name.map(|name| parse(name).ok_or_else(|| corrupt(name))).transpose()
}
