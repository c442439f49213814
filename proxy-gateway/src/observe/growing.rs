//! Answers that somebody watches while they grow. Nothing is read or told unless a person asked: the
//! dashboard says so with [`LiveTopic::Watch`], and again for as long as the answer is on a screen.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use nexus_bus::Listener;
use nexus_contract::{ExchangeId, LiveTopic};
use nexus_messages::{answer::Answer, decode::decode};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::publish;
use crate::{domain::Domain, state::State};

/// How long one wish holds.
const LASTS: SignedDuration = SignedDuration::from_secs(30);

/// Answers watched at once; further wishes are passed over.
const MAX_WATCHED: usize = 64;

/// How often one answer is told.
const PACE: SignedDuration = SignedDuration::from_millis(200);

/// Answers beyond this size are not told on: each telling reads the whole.
const MAX_BYTES: usize = 2 << 20;

/// Characters that are told: the end of the answer.
const MAX_TEXT: usize = 20_000;

/// What somebody wants to see, each until an instant.
#[derive(Default)]
pub struct Watched {
    is_any: AtomicBool,
    until: Mutex<HashMap<ExchangeId, Timestamp>>,
}

impl Watched {
    /// Somebody looks at `id`.
    pub fn note(&self, id: ExchangeId, now: Timestamp) {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.retain(|_, end| *end > now);
        if until.len() < MAX_WATCHED || until.contains_key(&id) {
            until.insert(id, now.saturating_add(LASTS).unwrap_or(Timestamp::MAX));
        }
        self.is_any.store(true, Ordering::Relaxed);
    }

    /// Whether anybody looks at anything: a look without a lock, for every chunk that goes down.
    pub fn is_any(&self) -> bool {
        self.is_any.load(Ordering::Relaxed)
    }

    fn wants(&self, id: ExchangeId, now: Timestamp) -> bool {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.retain(|_, end| *end > now);
        self.is_any.store(!until.is_empty(), Ordering::Relaxed);
        until.contains_key(&id)
    }
}

/// Hears wishes until it is dropped.
pub async fn listen(state: Arc<State>) {
    let mut events = Listener::about(state.deps.live.as_ref(), LiveTopic::Watch);
    loop {
        match events.recv().await {
            Ok(event) if event.topic == LiveTopic::Watch => {
                if let Some(id) = event.id {
                    state.watched.note(id, state.deps.clock.now());
                }
            }
            // A lost wish comes again.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Decides when an answer is told again.
#[derive(Debug, Default)]
pub struct Pace(Option<Timestamp>);

impl Pace {
    pub fn is_due(&mut self, state: &State, id: ExchangeId, bytes: usize) -> bool {
        if !state.watched.is_any() || bytes > MAX_BYTES {
            return false;
        }
        let now = state.deps.clock.now();
        let is_early = self.0.is_some_and(|last| now.duration_since(last) < PACE);
        if is_early || !state.watched.wants(id, now) {
            return false;
        }
        self.0 = Some(now);
        true
    }
}

/// An answer as far as it came; its bytes are shared, not copied.
pub struct Growing {
    pub id: ExchangeId,
    pub domain: Domain,
    pub coding: Option<String>,
    pub answer: Vec<Bytes>,
}

impl Growing {
    /// Reads and tells it: on the observer's thread.
    pub fn tell(&self, state: &State) {
        let bytes = self.answer.concat();
        let plain = decode(self.coding.as_deref(), &bytes, 4 * MAX_BYTES);
        let text = text(&Answer::read(None, &plain.bytes));
        publish(state, LiveTopic::Delta, self.id, &self.domain, &json!({ "text": text }));
    }
}

/// What a person reads of it, the end of it when it is long.
fn text(answer: &Answer) -> String {
    let blocks: Vec<_> = answer.content.iter().map(block).filter(|text| !text.is_empty()).collect();
    let text = blocks.join("\n\n");
    let skipped = text.chars().count().saturating_sub(MAX_TEXT);
    text.chars().skip(skipped).collect()
}

fn block(block: &Value) -> String {
    let field = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
    match field("type") {
        "text" => field("text").to_owned(),
        "thinking" => field("thinking").to_owned(),
        "tool_use" | "server_tool_use" => {
            let input = block.get("input").map(Value::to_string).unwrap_or_default();
            format!("{} {input}", field("name"))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_holds_for_a_while_and_the_table_is_bounded() {
        let (watched, now) = (Watched::default(), Timestamp::UNIX_EPOCH);
        let id = |n: usize| ExchangeId::from_external(&n.to_string());
        assert!(!watched.is_any());
        for n in 0..=MAX_WATCHED {
            watched.note(id(n), now);
        }
        assert!(watched.is_any() && watched.wants(id(0), now));
        assert!(!watched.wants(id(MAX_WATCHED), now), "one too many");
        assert!(!watched.wants(id(0), now + LASTS));
        assert!(!watched.is_any(), "nobody looks any more");
    }

    #[test]
    fn an_unfinished_stream_is_read_as_far_as_it_came() {
        let stream = concat!(
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\n",
            "event: content_block_delta\ndata: {\"type\":\"content_bl",
        );
        assert_eq!(text(&Answer::read(None, stream.as_bytes())), "Hello");
    }
}
