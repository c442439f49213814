//! The row of an exchange.

use nexus_contract::{ExchangeId, TerminalState};
use uuid::Uuid;

use crate::table::table_row;

table_row! {
    /// One exchange as lists and charts show it. Times are microseconds since 1970; `None` is "not
    /// known (yet)". The columns are explained in `migrations/*/0001_exchanges.sql`.
    #[derive(Eq, Default)]
    pub struct ExchangeRow {
        exchange_id: Uuid,
        external_id: Option<String>,
        domain: String,
        account_id: Option<String>,
        account_source: Option<String>,
        gateway: String,
        client_fingerprint: Option<String>,
        at: i64,
        method: Option<String>,
        path: Option<String>,
        model: Option<String>,
        request_type: Option<String>,
        streamed: Option<bool>,
        request_complete: Option<bool>,
        request_bytes: Option<i64>,
        message_count: Option<i64>,
        tool_count: Option<i64>,
        last_message_kind: Option<String>,
        prompt: Option<String>,
        tool_ms: Option<i64>,
        state: Option<String>,
        status: Option<i64>,
        response_bytes: Option<i64>,
        first_byte_ms: Option<i64>,
        duration_ms: Option<i64>,
        upstream_ms: Option<i64>,
        upstream_calls: Option<i64>,
        error: Option<String>,
        stop_reason: Option<String>,
        answer_model: Option<String>,
        tool_names: Option<String>,
        tool_calls: Option<i64>,
        preview: Option<String>,
        input_tokens: Option<i64>,
        output_tokens: Option<i64>,
        cache_read_tokens: Option<i64>,
        cache_creation_5m_tokens: Option<i64>,
        cache_creation_1h_tokens: Option<i64>,
        cost_nanos: Option<i64>,
        conversation_id: Option<Uuid>,
        branch_id: Option<String>,
        kind: Option<String>,
        parent_id: Option<Uuid>,
        parent_task_id: Option<Uuid>,
        agent_id: Option<String>,
    }
}

impl ExchangeRow {
    pub fn id(&self) -> ExchangeId {
        ExchangeId(self.exchange_id)
    }

    /// A row that nothing is known of yet but its name.
    pub(crate) fn is_stub(&self) -> bool {
        self.method.is_none() && self.state.is_none()
    }

    /// The model as charts group by it.
    pub fn shown_model(&self) -> &str {
        self.model.as_deref().or(self.answer_model.as_deref()).unwrap_or_default()
    }

    /// It ended other than `completed`.
    pub fn is_error(&self) -> bool {
        self.state.as_deref().is_some_and(|state| state != TerminalState::Completed.as_str())
    }

    /// Tokens that the model had before it when it answered.
    pub fn context_tokens(&self) -> Option<i64> {
        let cached = self.cache_read_tokens.unwrap_or(0);
        let written = self.cache_creation_tokens();
        Some(self.input_tokens? + cached + written)
    }

    pub fn cache_creation_tokens(&self) -> i64 {
        self.cache_creation_5m_tokens.unwrap_or(0) + self.cache_creation_1h_tokens.unwrap_or(0)
    }
}
