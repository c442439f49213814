//! Usage of an answer while it passes, without keeping the answer.

use serde::Deserialize;
use serde_json::Value;

use super::Usage;
use crate::sse::{SseEvent, SseReader};

/// Collects the usage and the model of a streamed answer from its decoded bytes.
#[derive(Debug, Default)]
pub struct UsageReader {
    sse: SseReader,
    seen: Seen,
}

#[derive(Debug, Default)]
struct Seen {
    usage: Usage,
    model: Option<String>,
    has_ended: bool,
    has_error: bool,
}

impl UsageReader {
    /// Takes the next decoded bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        let seen = &mut self.seen;
        self.sse.push(chunk, |event| seen.take(&event));
    }

    /// The stream is over.
    pub fn finish(&mut self) {
        let seen = &mut self.seen;
        self.sse.finish(|event| seen.take(&event));
    }

    /// What was reported so far; `None` before the first report.
    pub fn usage(&self) -> Option<&Usage> {
        (!self.seen.usage.is_empty()).then_some(&self.seen.usage)
    }

    /// The model that answers, as the upstream names it.
    pub fn model(&self) -> Option<&str> {
        self.seen.model.as_deref()
    }

    /// `message_stop` was seen.
    pub fn has_ended(&self) -> bool {
        self.seen.has_ended
    }

    /// An `error` event was seen.
    pub fn has_error(&self) -> bool {
        self.seen.has_error
    }
}

#[derive(Deserialize)]
struct Report {
    #[serde(rename = "type")]
    kind: String,
    usage: Option<Value>,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    model: Option<String>,
    usage: Option<Value>,
}

impl Seen {
    fn take(&mut self, event: &SseEvent<'_>) {
        if !may_report(event) {
            return;
        }
        let Ok(report) = serde_json::from_slice::<Report>(event.data) else { return };
        match report.kind.as_str() {
            "message_start" => self.start(report.message),
            "message_delta" => self.usage.merge(&report.usage.unwrap_or_default()),
            "message_stop" => self.has_ended = true,
            "error" => self.has_error = true,
            _other => {}
        }
    }

    fn start(&mut self, message: Option<Message>) {
        let Some(message) = message else { return };
        self.model = message.model.or(self.model.take());
        self.usage.merge(&message.usage.unwrap_or_default());
    }
}

/// Most events are deltas of text; their names spare the parsing.
fn may_report(event: &SseEvent<'_>) -> bool {
    !event.name.starts_with("content_block") && event.name != "ping"
}
