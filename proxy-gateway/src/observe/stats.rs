//! Token statistics since the process started, per domain: `/token-stats`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use nexus_messages::{kind::RequestType, usage::Tokens};
use serde::Serialize;

/// Domains that are told apart; pass-through lets clients name any.
const MAX_DOMAINS: usize = 2_000;

/// What was counted for one domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainStats {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub request_count: u64,
    /// Auxiliary requests: titles, summaries, classifiers.
    pub query_evaluation_count: u64,
    pub inference_count: u64,
    pub tool_call_count: u64,
    pub last_updated: Option<Timestamp>,
}

/// One exchange, as it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    pub kind: RequestType,
    pub tokens: Tokens,
    pub tool_calls: u64,
    pub at: Timestamp,
}

#[derive(Default)]
pub struct Stats(Mutex<BTreeMap<String, DomainStats>>);

impl Stats {
    pub fn count(&self, domain: &str, counted: &Counted) {
        let mut domains = self.lock();
        if domains.len() >= MAX_DOMAINS && !domains.contains_key(domain) {
            return;
        }
        let stats = domains.entry(domain.to_owned()).or_default();
        stats.input_tokens += counted.tokens.input;
        stats.output_tokens += counted.tokens.output;
        stats.request_count += 1;
        stats.query_evaluation_count += u64::from(counted.kind == RequestType::Auxiliary);
        stats.inference_count += u64::from(counted.kind == RequestType::Inference);
        stats.tool_call_count += counted.tool_calls;
        stats.last_updated = Some(counted.at);
    }

    /// Every domain, or the one that is asked for.
    pub fn list(&self, domain: Option<&str>) -> BTreeMap<String, DomainStats> {
        let domains = self.lock();
        let wanted = |name: &str| domain.is_none_or(|domain| domain.eq_ignore_ascii_case(name));
        domains
            .iter()
            .filter(|(name, _)| wanted(name))
            .map(|(n, s)| (n.clone(), s.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, DomainStats>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
