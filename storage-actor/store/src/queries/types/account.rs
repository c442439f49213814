//! Domains, accounts and the windows that the upstream reported.

use jiff::Timestamp;
use serde::Serialize;

use super::UsageTotals;

/// A domain with its sums.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainSummary {
    pub domain: String,
    #[serde(flatten)]
    pub totals: UsageTotals,
}

/// An account with its sums and windows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountSummary {
    pub account_id: String,
    /// Domains that its requests came for.
    pub domains: Vec<String>,
    #[serde(flatten)]
    pub totals: UsageTotals,
    /// As the upstream last reported them; empty when it never did.
    pub windows: Vec<AccountWindow>,
}

/// A rate-limit window, from an answer's `anthropic-ratelimit-*` headers. Never computed here.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountWindow {
    pub account_id: String,
    /// `5h`, `7d`, `requests`, `tokens`, …: the name within the headers.
    pub name: String,
    /// Share used, 0 to 1 (above 1 when over); computed from limit and remaining where only those
    /// were reported.
    pub utilization: Option<f64>,
    pub limit: Option<u64>,
    pub remaining: Option<u64>,
    pub resets_at: Option<Timestamp>,
    /// `allowed`, `allowed_warning`, `rejected`, as reported.
    pub status: Option<String>,
    /// When it was reported.
    pub reported_at: Timestamp,
}
