//! A body's blocks, flat, with what each is compared by.

use std::collections::HashSet;

use serde_json::Value;

use super::reminder;

/// One block of a request or an answer. A message that is a plain string is one text block.
#[derive(Debug, Clone)]
pub(super) struct Block<'a> {
    pub role: &'a str,
    /// Position among all blocks of the body, from 0.
    pub index: usize,
    pub value: &'a Value,
    /// `None` for blocks that clients add, change and drop at will.
    pub key: Option<Key<'a>>,
}

impl Block<'_> {
    /// Its plain text, when that is what it is compared by.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.key {
            Some(Key::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// What makes two blocks the same.
#[derive(Debug, Clone)]
pub(super) enum Key<'a> {
    /// Plain text, without reminders.
    Text(String),
    /// A tool call, by its id.
    Call(&'a str),
    /// A tool's result, by the id of its call.
    Result(&'a str),
    /// Anything else, by its JSON without `cache_control`.
    Json(&'a Value),
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Call(a), Self::Call(b)) | (Self::Result(a), Self::Result(b)) => a == b,
            (Self::Json(a), Self::Json(b)) => same_json(a, b),
            _ => false,
        }
    }
}

/// The blocks of a request's `messages`.
pub(super) fn of_request(body: &Value) -> Vec<Block<'_>> {
    let messages = body.get("messages").and_then(Value::as_array);
    let mut flat = Flat::default();
    for message in messages.into_iter().flatten() {
        let role = str_of(message, "role").unwrap_or("user");
        match message.get("content") {
            Some(Value::Array(content)) => content.iter().for_each(|value| flat.push(role, value)),
            Some(value) => flat.push(role, value),
            None => flat.push(role, message),
        }
    }
    flat.blocks
}

/// The blocks of an answer.
pub(super) fn of_answer(content: &[Value]) -> Vec<Block<'_>> {
    let mut flat = Flat::default();
    for value in content {
        flat.push("assistant", value);
    }
    flat.blocks
}

#[derive(Default)]
struct Flat<'a> {
    blocks: Vec<Block<'a>>,
    /// Ids met so far, with whether they named a result.
    ids: HashSet<(bool, &'a str)>,
}

impl<'a> Flat<'a> {
    fn push(&mut self, role: &'a str, value: &'a Value) {
        let key = key_of(role, value).filter(|key| self.is_first(key));
        self.blocks.push(Block { role, index: self.blocks.len(), value, key });
    }

    /// A client bug repeats ids within one history: the first one counts.
    fn is_first(&mut self, key: &Key<'a>) -> bool {
        match key {
            Key::Call(id) => self.ids.insert((false, id)),
            Key::Result(id) => self.ids.insert((true, id)),
            Key::Text(_) | Key::Json(_) => true,
        }
    }
}

fn key_of<'a>(role: &str, value: &'a Value) -> Option<Key<'a>> {
    if role == "system" {
        return None;
    }
    if let Some(text) = text_of(value) {
        let plain = reminder::plain(text);
        return (!plain.is_empty()).then_some(Key::Text(plain));
    }
    let kind = type_of(value);
    if kind.ends_with("thinking") {
        None
    } else if kind.ends_with("tool_use") {
        Some(str_of(value, "id").map_or(Key::Json(value), Key::Call))
    } else if kind.ends_with("tool_result") {
        Some(str_of(value, "tool_use_id").map_or(Key::Json(value), Key::Result))
    } else {
        Some(Key::Json(value))
    }
}

/// The text of a text block or of a plain string.
pub(super) fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ if type_of(value) == "text" => str_of(value, "text"),
        _ => None,
    }
}

pub(super) fn type_of(value: &Value) -> &str {
    str_of(value, "type").unwrap_or_default()
}

pub(super) fn str_of<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

fn same_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let fields = |map: &serde_json::Map<String, Value>| {
                map.len() - usize::from(map.contains_key("cache_control"))
            };
            fields(a) == fields(b)
                && a.iter()
                    .filter(|(name, _)| *name != "cache_control")
                    .all(|(name, value)| b.get(name).is_some_and(|other| same_json(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b))
        }
        _ => a == b,
    }
}
