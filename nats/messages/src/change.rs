//! Where a request first leaves the one that it goes on from, in the order in which the upstream caches
//! a prompt: tools, then the system prompt, then the messages. Behind that place nothing can be read
//! from the cache.

use serde::Serialize;
use serde_json::Value;

/// Bodies that are larger are not compared.
const MAX_BODY: usize = 16 << 20;

/// A part of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Tools,
    System,
    Messages,
}

/// The first difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub part: Part,
    /// Which tool, block of the system prompt, or message, from 0.
    pub index: usize,
    /// Which block of the message, from 0; 0 in the other parts.
    pub block: usize,
    /// The tool's name, the message's role; empty for the system prompt.
    pub name: String,
}

impl Part {
    const ORDER: [Self; 3] = [Self::Tools, Self::System, Self::Messages];

    const fn field(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::System => "system",
            Self::Messages => "messages",
        }
    }
}

/// The first place at which `after` is not `before` with something behind it; `None` where it is, and
/// for bodies that are no requests.
pub fn first_change(before: &[u8], after: &[u8]) -> Option<Change> {
    if before.len().max(after.len()) > MAX_BODY {
        return None;
    }
    let read = |body| serde_json::from_slice::<Value>(body).ok().filter(Value::is_object);
    let (before, after) = (read(before)?, read(after)?);
    Part::ORDER.into_iter().find_map(|part| changed(part, &before, &after))
}

fn changed(part: Part, before: &Value, after: &Value) -> Option<Change> {
    let (old, new) = (list(&before[part.field()]), list(&after[part.field()]));
    let same = old.iter().zip(&new).take_while(|(a, b)| is_same(a, b)).count();
    // Messages may follow; another tool or block stands before all that follows it.
    let is_whole = same == old.len() && (part == Part::Messages || same == new.len());
    if is_whole {
        return None;
    }
    let (old, new) = (old.get(same), new.get(same));
    let block = match (part, old, new) {
        (Part::Messages, Some(old), Some(new)) => same_blocks(old, new),
        _ => 0,
    };
    Some(Change { part, index: same, block, name: new.or(old).map(name).unwrap_or_default() })
}

/// A plain text stands for one block of text.
fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.clone(),
        Value::String(text) => vec![serde_json::json!({"type": "text", "text": text})],
        _ => Vec::new(),
    }
}

fn same_blocks(old: &Value, new: &Value) -> usize {
    let (old, new) = (list(&old["content"]), list(&new["content"]));
    old.iter().zip(&new).take_while(|(a, b)| is_same(a, b)).count()
}

fn name(value: &Value) -> String {
    let name = value["name"].as_str().or(value["role"].as_str());
    name.unwrap_or_default().chars().take(120).collect()
}

/// Marks of the cache do not count, and a plain text as content is one block.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let counts = |name: &&String| *name != "cache_control";
            a.keys().filter(counts).count() == b.keys().filter(counts).count()
                && a.iter().filter(|(name, _)| counts(name)).all(|(name, value)| {
                    b.get(name).is_some_and(|other| {
                        is_same(value, other)
                            || (name == "content" && is_same_content(value, other))
                    })
                })
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        _ => a == b,
    }
}

fn is_same_content(a: &Value, b: &Value) -> bool {
    (a.is_string() || b.is_string()) && {
        let (a, b) = (list(a), list(b));
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| is_same(a, b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(tools: &str, system: &str, messages: &str) -> Vec<u8> {
        format!(r#"{{"tools":[{tools}],"system":{system},"messages":[{messages}]}}"#).into_bytes()
    }

    const HELLO: &str = r#"{"role":"user","content":"hello"}"#;
    const ANSWER: &str = r#"{"role":"assistant","content":[{"type":"text","text":"hi"}]}"#;
    const MARKED: &str = r#"{"role":"user","content":[{"type":"text","text":"hello","cache_control":{"type":"ephemeral"}}]}"#;

    #[test]
    fn a_history_that_goes_on_has_not_changed_wherever_its_marks_stand() {
        let before = request("", r#""be good""#, MARKED);
        let after = request(
            "",
            r#"[{"type":"text","text":"be good","cache_control":{"type":"ephemeral"}}]"#,
            &[HELLO, ANSWER].join(","),
        );
        assert_eq!(first_change(&before, &after), None);
    }

    #[test]
    fn the_first_difference_is_named_in_the_order_of_the_cache() {
        let before = request(r#"{"name":"Bash"}"#, r#""one""#, &[HELLO, ANSWER].join(","));
        let change = |tools: &str, system: &str, messages: &str| {
            first_change(&before, &request(tools, system, messages)).expect("a change")
        };
        let more = change(r#"{"name":"Bash"},{"name":"mcp__x"}"#, r#""two""#, "");
        assert_eq!((more.part, more.index, more.name.as_str()), (Part::Tools, 1, "mcp__x"));
        let system = change(r#"{"name":"Bash"}"#, r#""two""#, "");
        assert_eq!((system.part, system.index), (Part::System, 0));
        let other = r#"{"role":"assistant","content":[{"type":"text","text":"hi"},{"type":"text","text":"!"}]}"#;
        let message = change(r#"{"name":"Bash"}"#, r#""one""#, &[HELLO, other].join(","));
        assert_eq!((message.part, message.index, message.block), (Part::Messages, 1, 1));
        let shorter = change(r#"{"name":"Bash"}"#, r#""one""#, HELLO);
        assert_eq!((shorter.index, shorter.name.as_str()), (1, "assistant"));
    }

    #[test]
    fn what_is_no_request_is_not_compared() {
        assert_eq!(first_change(b"{", b"{}"), None);
        assert_eq!(first_change(b"[]", b"[1]"), None);
    }
}
