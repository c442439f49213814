//! Puts a tool's result beside its call.

use std::collections::HashMap;

use super::item::{Content, Item, ToolOutcome};

/// Moves every result into the call that it answers; the first result of an id counts. Results
/// whose call is not among `items` stay where they are.
pub(super) fn pair(turns: &mut [&mut Vec<Item>]) {
    let mut results = take_results(turns);
    for item in turns.iter_mut().flat_map(|items| items.iter_mut()) {
        if let Content::ToolCall { call_id, outcome, .. } = &mut item.content
            && outcome.is_none()
        {
            *outcome = results.remove(call_id.as_str());
        }
    }
}

/// The results for calls among the items, by call id; removes the items.
fn take_results(turns: &mut [&mut Vec<Item>]) -> HashMap<String, ToolOutcome> {
    let calls = turns.iter().flat_map(|items| items.iter()).filter_map(call_id_of);
    let mut wanted = calls.map(|id| (id.to_owned(), None)).collect::<HashMap<_, _>>();
    for items in turns {
        items.retain(|item| match &item.content {
            Content::ToolResult { call_id, outcome } => match wanted.get_mut(call_id) {
                Some(found) => {
                    found.get_or_insert_with(|| outcome.clone());
                    false
                }
                None => true,
            },
            _ => true,
        });
    }
    wanted.into_iter().filter_map(|(id, found)| Some((id, found?))).collect()
}

fn call_id_of(item: &Item) -> Option<&str> {
    match &item.content {
        Content::ToolCall { call_id, .. } => Some(call_id),
        _ => None,
    }
}
