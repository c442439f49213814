//! From block directives to content blocks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::state::State;
use crate::script::Directive;

const WORDS: [&str; 24] = [
    "the", "request", "passes", "through", "and", "each", "answer", "comes", "back", "as", "it",
    "arrives", "while", "a", "copy", "is", "kept", "for", "later", "reading", "by", "people", "or",
    "tools",
];

/// The content that the directives ask for. `tools` are the request's, to name a tool as the client
/// knows it.
pub fn content(blocks: &[Directive], tools: &Value, state: &mut State) -> Vec<Value> {
    blocks.iter().flat_map(|block| one(block, tools, state)).collect()
}

fn one(block: &Directive, tools: &Value, state: &mut State) -> Vec<Value> {
    let text = block.text.as_str();
    let arg = |key: &str| block.arg(key).unwrap_or_default();
    let mut tool = |name: &str, input: Value| vec![tool_use(name, &input, state)];
    match block.name.as_str() {
        "think" => vec![thinking(text)],
        "redacted" => vec![json!({"type": "redacted_thinking", "data": STANDARD.encode(text)})],
        "words" => vec![text_block(&words(block.number("n").unwrap_or(100)))],
        "tool" => tool(block.word().unwrap_or("tool"), object(text)),
        "bash" => tool("Bash", json!({"command": text, "description": "Run a command"})),
        "read" => tool("Read", json!({"file_path": text})),
        "write" => tool("Write", json!({"file_path": arg("path"), "content": text})),
        "edit" => tool(
            "Edit",
            json!({"file_path": arg("path"), "old_string": arg("old"), "new_string": arg("new")}),
        ),
        "grep" => tool("Grep", json!({"pattern": text, "output_mode": "content"})),
        "glob" => tool("Glob", json!({"pattern": text})),
        "skill" => tool("Skill", json!({"skill": text})),
        "fetch" => tool("WebFetch", json!({"url": arg("url"), "prompt": text})),
        "todo" => tool("TodoWrite", json!({"todos": todos(text)})),
        "agent" | "task" => tool(agent_tool(tools), agent(block)),
        "cite" => vec![cited(text, arg("source"))],
        "search" => search(text, state),
        "block" => vec![object(text)],
        _ => vec![text_block(text)],
    }
}

pub fn text_block(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn thinking(text: &str) -> Value {
    let signature: Vec<u8> =
        (0..4_u8).flat_map(|n| Sha256::digest([text.as_bytes(), &[n]].concat())).collect();
    json!({"type": "thinking", "thinking": text, "signature": format!("EqQB{}", STANDARD.encode(signature))})
}

fn tool_use(name: &str, input: &Value, state: &mut State) -> Value {
    json!({"type": "tool_use", "id": state.id("toolu"), "name": name, "input": input})
}

/// JSON text as an object; anything else as `{"text": …}`.
fn object(text: &str) -> Value {
    match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(map) => Value::Object(map),
        Err(_) => json!({"text": text}),
    }
}

/// `Agent`, unless the client only knows the older `Task`.
fn agent_tool(tools: &Value) -> &'static str {
    let has =
        |name: &str| tools.as_array().is_some_and(|tools| tools.iter().any(|t| t["name"] == name));
    if has("Task") && !has("Agent") { "Task" } else { "Agent" }
}

fn agent(block: &Directive) -> Value {
    let mut input = json!({
        "description": block.arg("description").unwrap_or("Look into it"),
        "prompt": block.text,
        "subagent_type": block.arg("type").unwrap_or("general-purpose"),
    });
    if block.args.iter().any(|(key, _)| key == "background") {
        input["run_in_background"] = true.into();
    }
    input
}

/// Lines `x done`, `> doing`, `- to do`.
fn todos(text: &str) -> Vec<Value> {
    let one = |item: &str| {
        let (mark, content) = item.trim().split_at_checked(1)?;
        let status = match mark {
            "x" => "completed",
            ">" => "in_progress",
            _ => "pending",
        };
        let content = content.trim();
        Some(json!({"content": content, "status": status, "activeForm": content}))
    };
    text.split([';', '\n']).filter_map(one).collect()
}

fn cited(text: &str, source: &str) -> Value {
    json!({"type": "text", "text": text, "citations": [{
        "type": "char_location", "cited_text": source, "document_index": 0,
        "document_title": "Document", "start_char_index": 0, "end_char_index": source.chars().count(),
    }]})
}

fn search(query: &str, state: &mut State) -> Vec<Value> {
    let id = state.id("srvtoolu");
    let page = json!({
        "type": "web_search_result", "url": "https://example.com/page", "title": "A page",
        "encrypted_content": STANDARD.encode(query), "page_age": "2 days ago",
    });
    vec![
        json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": {"query": query}}),
        json!({"type": "web_search_tool_result", "tool_use_id": id, "content": [page]}),
    ]
}

/// So many words of prose, always the same.
pub fn words(count: u64) -> String {
    let word = |n: u64| WORDS[usize::try_from(n.wrapping_mul(7919) / 13 % 24).unwrap_or_default()];
    (0..count.min(1_000_000)).map(word).collect::<Vec<_>>().join(" ")
}
