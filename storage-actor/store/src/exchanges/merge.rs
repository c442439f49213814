//! Lays a half over the row of its exchange. Pure; the same for any order and any number of times.

use nexus_contract::TerminalState;

use super::{
    part::{Account, AccountSource, ExchangePart, Facts, RequestFacts, ResponseFacts},
    row::ExchangeRow,
};

impl ExchangeRow {
    /// Takes `part` in, unless what is there stands above it.
    pub(super) fn merge(&mut self, part: &ExchangePart) {
        match &part.facts {
            Facts::Request(facts) if self.takes_request(facts) => {
                self.take_envelope(part, true);
                self.take_request(facts);
                self.request_bytes = part.body.as_ref().map(|body| body.bytes);
            }
            Facts::Response(facts) if self.takes_response(facts.state) => {
                self.take_envelope(part, self.method.is_none());
                self.take_response(facts);
                self.response_bytes = part.body.as_ref().map(|body| body.bytes);
            }
            Facts::Request(_) | Facts::Response(_) => {}
        }
    }

    /// A whole request stands above one that was cut short.
    fn takes_request(&self, facts: &RequestFacts) -> bool {
        facts.complete || self.request_complete != Some(true)
    }

    /// A gateway that comes back after a crash can only say `aborted`; an end that was seen stands
    /// above that, and the first one seen stays.
    fn takes_response(&self, state: TerminalState) -> bool {
        match self.state.as_deref() {
            None => true,
            Some(now) => now == state.as_str() || now == TerminalState::Aborted.as_str(),
        }
    }

    fn take_envelope(&mut self, part: &ExchangePart, decides: bool) {
        if decides {
            self.at = part.at.as_microsecond();
            self.domain.clone_from(&part.domain);
            self.gateway.clone_from(&part.gateway);
        }
        if let Some(account) = &part.account {
            self.take_account(account);
        }
    }

    fn take_account(&mut self, account: &Account) {
        let now = self.account_source.as_deref().and_then(AccountSource::parse);
        if now.is_none_or(|now| account.source <= now) {
            self.account_id = Some(clean(&account.name));
            self.account_source = Some(account.source.as_str().to_owned());
        }
    }

    fn take_request(&mut self, facts: &RequestFacts) {
        let facts = facts.clone();
        self.external_id = facts.external_id.as_deref().map(clean);
        self.client_fingerprint = facts.client_fingerprint;
        self.method = Some(clean(&facts.method));
        self.path = Some(clean(&facts.path));
        self.request_complete = Some(facts.complete);
        self.model = facts.model.as_deref().map(clean);
        self.request_type = facts.request_type;
        self.streamed = Some(facts.streamed);
        self.message_count = facts.message_count;
        self.tool_count = facts.tool_count;
        self.last_message_kind = facts.last_message_kind;
        self.prompt = facts.prompt.as_deref().map(clean);
        self.tool_ms = facts.tool_ms;
    }

    fn take_response(&mut self, facts: &ResponseFacts) {
        self.state = Some(facts.state.as_str().to_owned());
        self.status = facts.status.map(i64::from);
        self.first_byte_ms = facts.first_byte_ms;
        self.duration_ms = Some(facts.duration_ms);
        self.upstream_ms = facts.upstream_ms;
        self.upstream_calls = Some(facts.upstream_calls);
        self.error = facts.error.as_deref().map(clean);
        self.stop_reason = facts.stop_reason.as_deref().map(clean);
        self.answer_model = facts.model.as_deref().map(clean);
        self.tool_calls = i64::try_from(facts.tool_names.len()).ok();
        self.tool_names = names(&facts.tool_names);
        self.preview = facts.preview.as_deref().map(clean);
        let usage = facts.usage.as_ref();
        self.input_tokens = usage.map(|usage| usage.input);
        self.output_tokens = usage.map(|usage| usage.output);
        self.cache_read_tokens = usage.map(|usage| usage.cache_read);
        self.cache_creation_5m_tokens = usage.map(|usage| usage.cache_creation_5m);
        self.cache_creation_1h_tokens = usage.map(|usage| usage.cache_creation_1h);
        self.cost_nanos = usage.and_then(|usage| usage.cost_nanos);
    }
}

/// A name for each call, in order, followed by a line feed.
fn names(called: &[String]) -> Option<String> {
    let line = |name: &String| clean(name).replace('\n', " ") + "\n";
    (!called.is_empty()).then(|| called.iter().map(line).collect())
}

/// PostgreSQL's text takes every character but one.
pub(crate) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
