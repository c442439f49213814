//! A message as the events of a stream.

use bytes::Bytes;
use serde_json::{Value, json};

/// How the events stand on the wire.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    /// At most so many characters a delta.
    pub piece: usize,
    /// Lines end with CRLF.
    pub crlf: bool,
    /// A comment line before each event.
    pub comments: bool,
}

impl Default for Wire {
    fn default() -> Self {
        Self { piece: 24, crlf: false, comments: false }
    }
}

/// All events of a finished message.
pub fn events(message: &Value, wire: Wire) -> Vec<Bytes> {
    let mut events = vec![start(message), json!({"type": "ping"})];
    let content = message["content"].as_array().map_or(&[][..], Vec::as_slice);
    for (index, block) in content.iter().enumerate() {
        events.push(
            json!({"type": "content_block_start", "index": index, "content_block": opened(block)}),
        );
        for delta in deltas(block, wire.piece) {
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let stop =
        json!({"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]});
    events.push(json!({"type": "message_delta", "delta": stop, "usage": message["usage"]}));
    events.push(json!({"type": "message_stop"}));
    events.iter().map(|event| frame(event, wire)).collect()
}

/// One event on the wire.
pub fn frame(event: &Value, wire: Wire) -> Bytes {
    let comment = if wire.comments { ": a comment\n" } else { "" };
    let text = format!(
        "{comment}event: {}\ndata: {event}\n\n",
        event["type"].as_str().unwrap_or_default()
    );
    Bytes::from(if wire.crlf { text.replace('\n', "\r\n") } else { text })
}

fn start(message: &Value) -> Value {
    let mut message = message.clone();
    message["content"] = json!([]);
    message["stop_reason"] = Value::Null;
    message["stop_sequence"] = Value::Null;
    message["usage"]["output_tokens"] = 1.into();
    json!({"type": "message_start", "message": message})
}

/// The block as its start event shows it: what the deltas bring is left empty.
fn opened(block: &Value) -> Value {
    let mut opened = block.clone();
    let empty: &[(&str, Value)] = match block["type"].as_str() {
        Some("text") => &[("text", json!(""))],
        Some("thinking") => &[("thinking", json!("")), ("signature", json!(""))],
        Some("tool_use" | "server_tool_use") => &[("input", json!({}))],
        _ => &[],
    };
    for (key, value) in empty {
        opened[*key] = value.clone();
    }
    if opened["citations"].is_array() {
        opened["citations"] = json!([]);
    }
    opened
}

fn deltas(block: &Value, piece: usize) -> Vec<Value> {
    match block["type"].as_str() {
        Some("text") => {
            let citations = block["citations"].as_array().map_or(&[][..], Vec::as_slice);
            let cited = citations.iter().map(|c| json!({"type": "citations_delta", "citation": c}));
            let text = pieces(block["text"].as_str().unwrap_or_default(), piece);
            text.map(|t| json!({"type": "text_delta", "text": t})).chain(cited).collect()
        }
        Some("thinking") => {
            let text = pieces(block["thinking"].as_str().unwrap_or_default(), piece);
            let signed = json!({"type": "signature_delta", "signature": block["signature"]});
            text.map(|t| json!({"type": "thinking_delta", "thinking": t})).chain([signed]).collect()
        }
        Some("tool_use" | "server_tool_use") => {
            let input = block["input"].to_string();
            let first = json!({"type": "input_json_delta", "partial_json": ""});
            let rest = pieces(&input, piece)
                .map(|t| json!({"type": "input_json_delta", "partial_json": t}));
            std::iter::once(first).chain(rest).collect()
        }
        _ => Vec::new(),
    }
}

fn pieces(text: &str, size: usize) -> impl Iterator<Item = String> {
    let characters: Vec<char> = text.chars().collect();
    let pieces: Vec<String> =
        characters.chunks(size.max(1)).map(|piece| piece.iter().collect()).collect();
    pieces.into_iter()
}
