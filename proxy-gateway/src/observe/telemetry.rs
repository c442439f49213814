//! How an exchange ended, as the live view and the telemetry endpoint get it.

use jiff::Timestamp;
use nexus_contract::{ExchangeId, TerminalState};
use nexus_messages::{kind::RequestType, usage::Tokens};
use serde::Serialize;

use super::{reading::Reading, report::Report};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    state: TerminalState,
    status: Option<u16>,
    duration_ms: u64,
    input_tokens: u64,
    output_tokens: u64,
    cache_read_tokens: u64,
    cache_creation_tokens: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Telemetry<'a> {
    #[serde(flatten)]
    finished: Finished,
    request_id: ExchangeId,
    timestamp: Timestamp,
    domain: &'a str,
    account_id: Option<&'a str>,
    model: String,
    request_type: RequestType,
    first_token_ms: Option<u64>,
}

impl Finished {
    pub fn of(report: &Report, tokens: Tokens) -> Self {
        let outcome = &report.outcome;
        Self {
            state: outcome.state,
            status: outcome.status,
            duration_ms: outcome.duration_ms,
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            cache_read_tokens: tokens.cache_read,
            cache_creation_tokens: tokens.cache_creation(),
        }
    }
}

impl<'a> Telemetry<'a> {
    pub fn of(reading: &Reading<'a>, tokens: Tokens) -> Self {
        let report = reading.report;
        Self {
            finished: Finished::of(report, tokens),
            request_id: report.id,
            timestamp: report.outcome.started_at,
            domain: report.domain.as_str(),
            account_id: report.account_id.as_deref(),
            model: reading.model(),
            request_type: reading.kind,
            first_token_ms: report.outcome.first_byte_ms,
        }
    }
}
