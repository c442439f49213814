//! An answer from its stream, as the events come.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Answer, ApiError, block::Block};
use crate::sse::{SseEvent, SseReader};

/// Blocks of one answer; a stream that opens more is not followed further.
const MAX_BLOCKS: usize = 10_000;

/// Puts an answer together from the decoded bytes of its stream.
#[derive(Debug, Default)]
pub struct Assembler {
    sse: SseReader,
    parts: Parts,
}

impl Assembler {
    /// Takes the next bytes of the stream.
    pub fn push(&mut self, chunk: &[u8]) {
        let parts = &mut self.parts;
        self.sse.push(chunk, |event| parts.take(&event));
    }

    /// The answer as far as it came.
    pub fn finish(mut self) -> Answer {
        let parts = &mut self.parts;
        self.sse.finish(|event| parts.take(&event));
        let mut answer = self.parts.answer;
        answer.content = self.parts.blocks.into_values().map(Block::finish).collect();
        answer
    }
}

#[derive(Debug, Default)]
struct Parts {
    answer: Answer,
    blocks: BTreeMap<u64, Block>,
}

impl Parts {
    fn take(&mut self, event: &SseEvent<'_>) {
        if event.name == "ping" {
            return;
        }
        let Ok(Value::Object(mut said)) = serde_json::from_slice(event.data) else { return };
        match said.get("type").and_then(Value::as_str) {
            Some("message_start") => self.start(said.remove("message")),
            Some("content_block_start") => self.open_block(&said),
            Some("content_block_delta") => self.grow_block(&mut said),
            Some("message_delta") => self.change(said),
            Some("message_stop") => self.answer.complete = true,
            Some("error") => {
                self.answer.error = said.get("error").map(ApiError::from_value);
            }
            _unknown => {}
        }
    }

    fn start(&mut self, message: Option<Value>) {
        let start = Answer::from_message(message.unwrap_or_default());
        self.blocks = start.content.into_iter().map(Block::open).zip(0..).map(swap).collect();
        self.answer.message = start.message;
        self.answer.usage = start.usage;
    }

    fn open_block(&mut self, said: &Map<String, Value>) {
        let Some(index) = index(said) else { return };
        if self.blocks.len() < MAX_BLOCKS {
            let block = said.get("content_block").cloned().unwrap_or_default();
            self.blocks.insert(index, Block::open(block));
        }
    }

    fn grow_block(&mut self, said: &mut Map<String, Value>) {
        let Some(index) = index(said) else { return };
        let Some(delta) = said.remove("delta") else { return };
        if let Some(block) = self.blocks.get_mut(&index) {
            block.grow(delta);
        }
    }

    fn change(&mut self, mut said: Map<String, Value>) {
        self.answer.usage.merge(&said.remove("usage").unwrap_or_default());
        if let Some(Value::Object(delta)) = said.remove("delta") {
            self.answer.message.extend(delta);
        }
        said.remove("type");
        self.answer.message.extend(said);
    }
}

fn index(said: &Map<String, Value>) -> Option<u64> {
    said.get("index").and_then(Value::as_u64)
}

fn swap<A, B>((a, b): (A, B)) -> (B, A) {
    (b, a)
}
