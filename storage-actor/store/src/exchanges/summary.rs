//! A row as the data API gives it.

use jiff::Timestamp;
use nexus_contract::{ExchangeId, TerminalState};
use nexus_messages::{Cost, RequestType};

use super::row::ExchangeRow;
use crate::queries::{ExchangeKind, RequestSummary};

impl From<&ExchangeRow> for RequestSummary {
    fn from(row: &ExchangeRow) -> Self {
        let tools = row.tool_names.as_deref().unwrap_or_default();
        let branch = row.branch_id.as_deref().unwrap_or_default();
        Self {
            request_id: row.id(),
            external_id: row.external_id.clone(),
            domain: row.domain.clone(),
            account_id: row.account_id.clone(),
            model: Some(row.shown_model().to_owned()).filter(|model| !model.is_empty()),
            timestamp: Timestamp::from_microsecond(row.at).unwrap_or_default(),
            input_tokens: count(row.input_tokens),
            output_tokens: count(row.output_tokens),
            cache_read_tokens: count(row.cache_read_tokens),
            cache_creation_tokens: row
                .cache_creation_5m_tokens
                .and_then(|_| count(Some(row.cache_creation_tokens()))),
            cache_creation_1h_tokens: count(row.cache_creation_1h_tokens),
            cost_usd: row.cost_nanos.map(|nanos| Cost(nanos).usd()),
            duration_ms: count(row.duration_ms),
            first_token_ms: count(row.first_byte_ms),
            response_status: row.status.and_then(|status| u16::try_from(status).ok()),
            state: row.state.as_deref().and_then(TerminalState::parse),
            request_type: row.request_type.as_deref().and_then(RequestType::parse),
            streamed: row.streamed,
            message_count: count(row.message_count),
            tool_count: count(row.tool_count),
            conversation_id: row.conversation_id.map(ExchangeId),
            branch_id: row.branch_id.clone(),
            kind: row.kind.as_deref().and_then(ExchangeKind::parse),
            parent_request_id: row.parent_id.map(ExchangeId),
            parent_task_request_id: row.parent_task_id.map(ExchangeId),
            agent_id: row.agent_id.clone(),
            is_subtask: branch.starts_with("subtask"),
            prompt: row.prompt.clone(),
            preview: row.preview.clone(),
            tool_names: tools.lines().map(str::to_owned).collect(),
            stop_reason: row.stop_reason.clone(),
            error: row.error.clone(),
        }
    }
}

fn count(value: Option<i64>) -> Option<u64> {
    value.and_then(|value| u64::try_from(value).ok())
}
