//! The observer's thread: reads what ended, counts it, and tells those who want to know.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc::Receiver},
    time::Duration,
};

use nexus_contract::LiveTopic;
use nexus_messages::usage::Tokens;
use secrecy::SecretString;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    Seen, debug,
    growing::Growing,
    outbox::{Message, Outbox},
    publish,
    reading::{Bodies, Reading},
    report::Report,
    samples::Samples,
    slack::Slack,
    stats::Counted,
    telemetry::{Finished, Telemetry},
};
use crate::state::State;

/// How long the thread rests when it has read everything: while it rests nobody has to wake it, which
/// would be a system call on a request's way.
const REST: Duration = Duration::from_millis(5);

/// How often a stop is looked for while nothing ends.
const TICK: Duration = Duration::from_millis(100);

/// Reads what is seen until `stop`, and then what is left.
pub fn run(state: &Arc<State>, seen: &Receiver<Seen>, outbox: Outbox, stop: &CancellationToken) {
    let samples = state.config.capture.samples_dir.clone().map(Samples::new);
    let mut observer = Observing { state: state.clone(), outbox, samples, slack: Slack::default() };
    loop {
        match seen.recv_timeout(TICK) {
            Ok(first) => {
                std::iter::once(first).chain(seen.try_iter()).for_each(|one| observer.take(one));
                std::thread::sleep(REST);
            }
            Err(_nothing) if stop.is_cancelled() => return,
            Err(_nothing) => {}
        }
    }
}

struct Observing {
    state: Arc<State>,
    outbox: Outbox,
    samples: Option<Samples>,
    slack: Slack,
}

impl Observing {
    fn take(&mut self, seen: Seen) {
        match seen {
            Seen::Ended(report) => self.observe(*report),
            Seen::Growing(growing) => self.tell(&growing),
        }
    }

    /// A report that can't be read must not end the thread.
    fn observe(&mut self, report: Report) {
        let (id, bytes) = (report.id, report.bytes());
        if catch_unwind(AssertUnwindSafe(|| self.read(&report))).is_err() {
            tracing::error!(exchange = %id, "an exchange could not be observed");
        }
        drop(report);
        self.state.observer.release(bytes);
    }

    /// Nor must an answer that grows.
    fn tell(&self, growing: &Growing) {
        if catch_unwind(AssertUnwindSafe(|| growing.tell(&self.state))).is_err() {
            tracing::error!(exchange = %growing.id, "a growing answer could not be told");
        }
    }

    fn read(&mut self, report: &Report) {
        let bodies = Bodies::of(report);
        let reading = Reading::of(report, &bodies);
        if self.state.config.capture.debug {
            debug::log(&reading, &bodies);
        }
        let tokens = reading.answer.usage.tokens();
        let tool_calls = reading.answer.tool_uses().count() as u64;
        let at = self.state.deps.clock.now();
        let counted = Counted { kind: reading.kind, tokens, tool_calls, at };
        self.state.stats.count(report.domain.as_str(), &counted);
        publish(
            &self.state,
            LiveTopic::Finished,
            report.id,
            &report.domain,
            &Finished::of(report, tokens),
        );
        self.notify(&reading, tokens);
        if let Some(samples) = &mut self.samples {
            samples.collect(&reading, &bodies);
        }
    }

    fn notify(&mut self, reading: &Reading<'_>, tokens: Tokens) {
        let notify = &self.state.config.notify;
        if let Some(url) = &notify.telemetry_url {
            let url = SecretString::from(url.as_str());
            let body = json!(Telemetry::of(reading, tokens));
            self.outbox.put(Message { kind: "telemetry", url, body });
        }
        // What a domain says of its notices wins over what is said for all.
        let slack = reading.report.slack.over(notify.slack.as_ref());
        if let Some(message) = slack.and_then(|config| self.slack.notice(reading, &config)) {
            self.outbox.put(message);
        }
    }
}
