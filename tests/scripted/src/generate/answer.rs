//! Generated answers: as the blocks of a message, and as the stream that brings it.

use std::fmt::Write as _;

use serde_json::{Value, json};

#[derive(Debug, Clone)]
pub(super) enum Block {
    Text(String),
    Thinking(String),
    Tool { id: String, name: &'static str, input: Value },
}

/// Tokens of one exchange.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) read: u64,
    pub(super) created: u64,
}

impl Used {
    pub(super) fn json(self) -> Value {
        json!({
            "input_tokens": self.input,
            "cache_creation_input_tokens": self.created,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.created, "ephemeral_1h_input_tokens": 0,
            },
            "output_tokens": self.output,
            "service_tier": "standard",
        })
    }
}

impl Block {
    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!({"type": "text", "text": text}),
            Self::Thinking(text) => {
                json!({"type": "thinking", "thinking": text, "signature": "c2ln"})
            }
            Self::Tool { id, name, input } => {
                json!({"type": "tool_use", "id": id, "name": name, "input": input})
            }
        }
    }

    fn start(&self) -> Value {
        match self {
            Self::Text(_) => json!({"type": "text", "text": ""}),
            Self::Thinking(_) => json!({"type": "thinking", "thinking": "", "signature": ""}),
            Self::Tool { id, name, .. } => {
                json!({"type": "tool_use", "id": id, "name": name, "input": {}})
            }
        }
    }

    fn deltas(&self) -> Vec<Value> {
        match self {
            Self::Text(text) => {
                halves(text).map(|part| json!({"type": "text_delta", "text": part})).to_vec()
            }
            Self::Thinking(text) => vec![
                json!({"type": "thinking_delta", "thinking": text}),
                json!({"type": "signature_delta", "signature": "c2ln"}),
            ],
            Self::Tool { input, .. } => halves(&input.to_string())
                .map(|part| json!({"type": "input_json_delta", "partial_json": part}))
                .to_vec(),
        }
    }
}

/// The assistant's message, as the next request repeats it.
pub(super) fn message(blocks: &[Block]) -> String {
    let content: Vec<_> = blocks.iter().map(Block::json).collect();
    json!({"role": "assistant", "content": content}).to_string()
}

/// The stream; `is_cut` leaves its end out.
pub(super) fn stream(id: &str, model: &str, blocks: &[Block], used: Used, is_cut: bool) -> Vec<u8> {
    let mut text = String::new();
    let first = Used { output: 1, ..used };
    push(
        &mut text,
        &json!({"type": "message_start", "message": {
            "id": id, "type": "message", "role": "assistant", "model": model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": first.json(),
        }}),
    );
    push(&mut text, &json!({"type": "ping"}));
    for (index, block) in blocks.iter().enumerate() {
        let start = block.start();
        push(
            &mut text,
            &json!({"type": "content_block_start", "index": index, "content_block": start}),
        );
        for delta in block.deltas() {
            push(
                &mut text,
                &json!({"type": "content_block_delta", "index": index, "delta": delta}),
            );
            if is_cut {
                return text.into_bytes();
            }
        }
        push(&mut text, &json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({"stop_reason": stop_reason(blocks), "stop_sequence": null});
    push(&mut text, &json!({"type": "message_delta", "delta": delta, "usage": used.json()}));
    push(&mut text, &json!({"type": "message_stop"}));
    text.into_bytes()
}

fn stop_reason(blocks: &[Block]) -> &'static str {
    let calls = blocks.iter().any(|block| matches!(block, Block::Tool { .. }));
    if calls { "tool_use" } else { "end_turn" }
}

fn push(text: &mut String, event: &Value) {
    let name = event["type"].as_str().unwrap_or_default();
    write!(text, "event: {name}\ndata: {event}\n\n").expect("a string takes it");
}

fn halves(text: &str) -> [&str; 2] {
    let (start, end) = text.split_at(text.floor_char_boundary(text.len() / 2));
    [start, end]
}
