//! What is answered without a script: the shapes that clients send on their own account, and a
//! plain echo.

use serde_json::{Map, Value, json};

use super::content::text_block;
use crate::script::{human_text, parse};

const ASKS_SUMMARY: &str = "detailed summary of the conversation";
const MAX_ECHO: usize = 200;

/// The content that fits the request.
pub fn content(body: &Value, messages: &[Value]) -> Vec<Value> {
    let last = messages.iter().rev().find(|message| message["role"] == "user");
    let prompt = last.map(human_text).unwrap_or_default();
    if let Some(schema) = schema(body) {
        return vec![text_block(&fill(schema, "A scripted session").to_string())];
    }
    if prompt.contains(ASKS_SUMMARY) {
        return vec![text_block(&summary(messages))];
    }
    vec![text_block(&echo(&prompt))]
}

/// Whether the request asks for the summary that a compaction continues from.
pub fn asks_summary(messages: &[Value]) -> bool {
    let last = messages.iter().rev().find(|message| message["role"] == "user");
    last.is_some_and(|message| human_text(message).contains(ASKS_SUMMARY))
}

/// Whether a JSON schema for the answer is given.
pub fn schema(body: &Value) -> Option<&Value> {
    let format = [&body["output_config"]["format"], &body["output_format"]];
    format
        .into_iter()
        .find(|format| format["type"] == "json_schema")
        .map(|format| &format["schema"])
}

fn echo(prompt: &str) -> String {
    let line = prompt.lines().last().unwrap_or_default().trim();
    let short: String = line.chars().take(MAX_ECHO).collect();
    let plain = short.replace("[[", "(").replace("]]", ")");
    if plain.is_empty() { "Done.".to_owned() } else { format!("You wrote: {plain}") }
}

fn summary(messages: &[Value]) -> String {
    let prompts = messages.iter().filter(|message| message["role"] == "user").map(human_text);
    let lines: Vec<String> = prompts
        .filter(|text| !text.is_empty() && !text.contains(ASKS_SUMMARY))
        .map(|text| headline(&text))
        .collect();
    format!(
        "<analysis>\nThe conversation holds {} prompts.\n</analysis>\n\n<summary>\n1. Primary Request and Intent:\n{}\n\n2. Current Work:\nEverything asked for so far is done.\n</summary>",
        lines.len(),
        lines.iter().map(|line| format!("   - {line}")).collect::<Vec<_>>().join("\n"),
    )
}

/// The beginning of a prompt, without a script that a later reader would take for its own.
fn headline(text: &str) -> String {
    let plain =
        if parse(text).is_empty() { text } else { text.split("[[").next().unwrap_or_default() };
    plain.split_whitespace().take(12).collect::<Vec<_>>().join(" ")
}

/// The smallest value that fits a schema.
fn fill(schema: &Value, text: &str) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let properties = schema["properties"].as_object();
            let fields = properties.into_iter().flatten().map(|(k, v)| (k.clone(), fill(v, text)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Some("array") => json!([]),
        Some("boolean") => json!(false),
        Some("integer" | "number") => json!(0),
        _ => json!(text),
    }
}
