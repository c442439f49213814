//! The gateway's own metrics, `nexus_gateway_*`.

use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};
use nexus_contract::TerminalState;

/// Buckets, in seconds, that suit `nexus_gateway_overhead_seconds`.
pub const OVERHEAD_BUCKETS: [f64; 10] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25];

/// Handles of what every request touches.
pub struct Meters {
    ends: Vec<(TerminalState, Counter)>,
    total: Histogram,
    overhead: Histogram,
    messages: Counter,
    others: Counter,
    retries: Counter,
    unobserved: Counter,
}

impl Default for Meters {
    fn default() -> Self {
        let end = |state: TerminalState| {
            (state, counter!("nexus_gateway_exchanges_total", "state" => state.as_str()))
        };
        Self {
            ends: TerminalState::ALL.into_iter().map(end).collect(),
            total: histogram!("nexus_gateway_duration_seconds"),
            overhead: histogram!("nexus_gateway_overhead_seconds"),
            messages: counter!("nexus_gateway_requests_total", "route" => "messages"),
            others: counter!("nexus_gateway_requests_total", "route" => "other"),
            retries: counter!("nexus_gateway_retries_total"),
            unobserved: counter!("nexus_gateway_unobserved_total"),
        }
    }
}

impl Meters {
    /// A request was admitted: one to `/v1/messages`, or another.
    pub fn request(&self, is_message: bool) {
        if is_message { &self.messages } else { &self.others }.increment(1);
    }

    /// An exchange ended after `total`, of which `overhead` was not spent on the upstream.
    pub fn ended(&self, state: TerminalState, total: Duration, overhead: Duration) {
        if let Some((_, count)) = self.ends.iter().find(|(known, _)| *known == state) {
            count.increment(1);
        }
        self.total.record(total);
        self.overhead.record(overhead);
    }

    pub fn retried(&self) {
        self.retries.increment(1);
    }

    /// An exchange was left out of statistics and notifications: their queue was full.
    pub fn unobserved(&self) {
        self.unobserved.increment(1);
    }
}

/// The gateway answered by itself, with an error of this kind.
pub fn refused(kind: &'static str) {
    counter!("nexus_gateway_refused_total", "error" => kind).increment(1);
}
