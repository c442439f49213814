//! From exchanges to turns.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    added::{Added, added},
    block::{self, Block, str_of},
    body::Body,
    content,
    item::{Content, Item},
    pair::pair,
    turn::{Exchange, Turn, Window},
};

/// Reads a part of a branch.
pub fn read(window: &Window<'_>) -> Vec<Turn> {
    let bodies = window.exchanges.iter().map(Body::of).collect::<Vec<_>>();
    let before = window.before.map(Body::of);
    let after = window.after.map(Body::of);
    let mut parent = before.as_ref();
    let mut turns = Vec::with_capacity(bodies.len());
    for body in &bodies {
        turns.push(turn(parent, body));
        parent = Some(body);
    }
    let mut results = after.as_ref().map_or_else(Vec::new, |after| request_items(parent, after));
    results.retain(|item| matches!(item.content, Content::ToolResult { .. }));
    let mut lists = turns.iter_mut().map(|turn| &mut turn.items).collect::<Vec<_>>();
    lists.push(&mut results);
    pair(&mut lists);
    if let (Some(before), Some(first)) = (&before, turns.first_mut()) {
        drop_results_of(before, &mut first.items);
    }
    turns
}

fn turn(parent: Option<&Body<'_>>, this: &Body<'_>) -> Turn {
    let exchange = this.exchange;
    let mut items = Vec::new();
    items.extend(system_item(parent, this));
    items.extend(request_items(parent, this));
    items.extend(answer_items(exchange));
    items.extend(error_item(exchange));
    Turn {
        id: exchange.id,
        at: exchange.at,
        state: exchange.state,
        model: this.json.as_ref().and_then(|json| str_of(json, "model")).map(str::to_owned),
        stop_reason: exchange.stop_reason.clone(),
        items,
    }
}

fn request_items(parent: Option<&Body<'_>>, this: &Body<'_>) -> Vec<Item> {
    let messages = this.json.as_ref().and_then(|json| json.get("messages"));
    if !messages.is_some_and(Value::is_array) {
        return vec![unreadable(this.exchange)];
    }
    let blocks = this.blocks();
    let new = new_blocks(parent, this, &blocks);
    let known = parent.map(Body::reminders).unwrap_or_default();
    let show_thinking = parent.is_none();
    let mut new = new.iter().peekable();
    let mut items = Vec::new();
    for block in &blocks {
        let id = format!("{}-q{}", this.exchange.id, block.index);
        let added = new.next_if(|added| added.index == block.index);
        push_block(&mut items, &id, block, added, &known, show_thinking);
    }
    items
}

fn new_blocks(parent: Option<&Body<'_>>, this: &Body<'_>, blocks: &[Block<'_>]) -> Vec<Added> {
    match parent {
        Some(parent) if !this.is_thread_continuation() => {
            added(&parent.blocks(), &block::of_answer(&parent.exchange.answer), blocks)
        }
        _ => added(&[], &[], blocks),
    }
}

fn push_block(
    items: &mut Vec<Item>,
    id: &str,
    block: &Block<'_>,
    added: Option<&Added>,
    known: &HashSet<&str>,
    show_thinking: bool,
) {
    let contents = match added.and_then(|added| added.tail.as_deref()) {
        Some(tail) => vec![content::plain(block.role, tail)],
        None => content::contents(id, block.role, block.value),
    };
    for (part, content) in contents.into_iter().enumerate() {
        let wanted = match &content {
            Content::Reminders { texts } => texts.iter().any(|text| !known.contains(text.as_str())),
            Content::Thinking { text, .. } => show_thinking && !text.is_empty(),
            _ => added.is_some(),
        };
        if wanted {
            push(items, part_id(id, part), content);
        }
    }
}

/// Appends an item; reminders that follow one another become one.
fn push(items: &mut Vec<Item>, id: String, content: Content) {
    let last = items.last_mut().map(|item| &mut item.content);
    match (last, content) {
        (Some(Content::Reminders { texts }), Content::Reminders { texts: more }) => {
            texts.extend(more);
        }
        (_, content) => items.push(Item { id, content }),
    }
}

fn part_id(id: &str, part: usize) -> String {
    if part == 0 { id.to_owned() } else { format!("{id}.{part}") }
}

fn answer_items(exchange: &Exchange) -> Vec<Item> {
    let mut items = Vec::new();
    for (index, value) in exchange.answer.iter().enumerate() {
        let id = format!("{}-a{index}", exchange.id);
        for content in content::contents(&id, "assistant", value) {
            items.push(Item { id: id.clone(), content });
        }
    }
    items
}

fn error_item(exchange: &Exchange) -> Option<Item> {
    let failure = exchange.failure.clone()?;
    Some(Item {
        id: format!("{}-e", exchange.id),
        content: Content::Error {
            kind: failure.kind,
            message: failure.message,
            status: failure.status,
        },
    })
}

/// A request that is no JSON, or none of the shape that the API asks for.
fn unreadable(exchange: &Exchange) -> Item {
    let raw = String::from_utf8_lossy(&exchange.request).into_owned();
    Item {
        id: format!("{}-q0", exchange.id),
        content: Content::Unknown { role: "user".to_owned(), raw: Value::String(raw) },
    }
}

/// Results that the exchange before the window shows with its calls.
fn drop_results_of(before: &Body<'_>, items: &mut Vec<Item>) {
    let calls = before.exchange.answer.iter().filter_map(|block| str_of(block, "id"));
    let calls = calls.collect::<HashSet<_>>();
    items.retain(|item| match &item.content {
        Content::ToolResult { call_id, .. } => !calls.contains(call_id.as_str()),
        _ => true,
    });
}

fn system_item(parent: Option<&Body<'_>>, this: &Body<'_>) -> Option<Item> {
    let system = this.system()?;
    let same = parent.and_then(Body::system).is_some_and(|before| before == system);
    (!same).then(|| Item {
        id: format!("{}-s", this.exchange.id),
        content: Content::SystemPrompt {
            blocks: system.texts.len(),
            text: system.texts.join("\n\n"),
        },
    })
}
