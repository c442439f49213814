//! The usage row of an exchange, made of the exchange's row.

use uuid::Uuid;

use crate::{exchanges::ExchangeRow, table::table_row};

table_row! {
    /// What accounting is made of; explained in `migrations/*/0003_usage.sql`.
    #[derive(Eq)]
    pub struct UsageRow {
        exchange_id: Uuid,
        at: i64,
        domain: String,
        account_id: String,
        model: String,
        request_type: String,
        errors: i64,
        input_tokens: i64,
        output_tokens: i64,
        cache_read_tokens: i64,
        cache_creation_5m_tokens: i64,
        cache_creation_1h_tokens: i64,
        cost_nanos: Option<i64>,
        duration_ms: Option<i64>,
        first_byte_ms: Option<i64>,
        tool_calls: i64,
        raw: Option<String>,
    }
}

impl UsageRow {
    /// `None` while the exchange runs. `raw` is the usage as the upstream sent it.
    pub fn of(row: &ExchangeRow, raw: Option<String>) -> Option<Self> {
        row.state.as_ref()?;
        Some(Self {
            exchange_id: row.exchange_id,
            at: row.at,
            domain: row.domain.clone(),
            account_id: row.account_id.clone().unwrap_or_default(),
            model: row.shown_model().to_owned(),
            request_type: row.request_type.clone().unwrap_or_default(),
            errors: row.is_error().into(),
            input_tokens: row.input_tokens.unwrap_or(0),
            output_tokens: row.output_tokens.unwrap_or(0),
            cache_read_tokens: row.cache_read_tokens.unwrap_or(0),
            cache_creation_5m_tokens: row.cache_creation_5m_tokens.unwrap_or(0),
            cache_creation_1h_tokens: row.cache_creation_1h_tokens.unwrap_or(0),
            cost_nanos: row.cost_nanos,
            duration_ms: row.duration_ms,
            first_byte_ms: row.first_byte_ms,
            tool_calls: row.tool_calls.unwrap_or(0),
            raw,
        })
    }

    /// It used tokens whose price is not known.
    pub fn is_unpriced(&self) -> bool {
        self.cost_nanos.is_none() && self.input_tokens + self.output_tokens > 0
    }
}
