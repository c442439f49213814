//! One content block of a stream.

use serde_json::{Map, Value};

/// Where deltas of an unknown kind are kept in their block.
const UNKNOWN_DELTAS: &str = "unknown_deltas";
/// Where a tool's input is kept that never became JSON.
const PARTIAL_INPUT: &str = "partial_input";

/// A block that grows.
#[derive(Debug)]
pub(super) struct Block {
    start: Value,
    /// Text by field; appended apart from the JSON, so that growing stays linear.
    grown: Vec<(&'static str, String)>,
    input: String,
}

impl Block {
    pub(super) fn open(start: Value) -> Self {
        Self { start, grown: Vec::new(), input: String::new() }
    }

    pub(super) fn grow(&mut self, mut delta: Value) {
        match super::kind_of(&delta) {
            "text_delta" => self.append("text", &delta),
            "thinking_delta" => self.append("thinking", &delta),
            "input_json_delta" => self.input.push_str(text(&delta, "partial_json")),
            "signature_delta" => self.set("signature", delta["signature"].take()),
            "citations_delta" => self.list("citations", delta["citation"].take()),
            _unknown => self.list(UNKNOWN_DELTAS, delta),
        }
    }

    pub(super) fn finish(mut self) -> Value {
        for (field, grown) in std::mem::take(&mut self.grown) {
            let whole = format!("{}{grown}", text(&self.start, field));
            self.set(field, Value::String(whole));
        }
        if !self.input.trim().is_empty() {
            match serde_json::from_str(&self.input) {
                Ok(input) => self.set("input", input),
                Err(_cut_short) => {
                    let partial = std::mem::take(&mut self.input);
                    self.set(PARTIAL_INPUT, Value::String(partial));
                }
            }
        }
        self.start
    }

    fn append(&mut self, field: &'static str, delta: &Value) {
        let more = text(delta, field);
        match self.grown.iter_mut().find(|(name, _)| *name == field) {
            Some((_, grown)) => grown.push_str(more),
            None => self.grown.push((field, more.to_owned())),
        }
    }

    fn set(&mut self, field: &str, value: Value) {
        self.fields().insert(field.to_owned(), value);
    }

    fn list(&mut self, field: &str, value: Value) {
        let entry = self.fields().entry(field).or_insert(Value::Null);
        match entry {
            Value::Array(list) => list.push(value),
            other => *other = Value::Array(vec![value]),
        }
    }

    fn fields(&mut self) -> &mut Map<String, Value> {
        if !self.start.is_object() {
            self.start = Value::Object(Map::new());
        }
        self.start.as_object_mut().expect("made an object above")
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
