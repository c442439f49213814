//! The history of a request as a chain of blocks, with every prefix's hash.

use std::collections::HashSet;

use nexus_messages::request::{Message, Request};
use serde::{Deserialize, Serialize};

use crate::{
    block::{Line, Normal},
    hash::Hash,
};

/// One prefix: the hash over the blocks so far, and what its last block is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub hash: Hash,
    /// The prefix one block shorter; [`Hash::START`] before the first.
    pub predecessor: Hash,
    /// Blocks in the prefix, from 1.
    pub length: u32,
    /// The last block is the model's.
    pub assistant: bool,
    /// The id of the last block when it calls a tool.
    pub tool_use: Option<String>,
}

/// The blocks that a request's history consists of, in order, without repeats of a tool's id.
pub fn blocks(request: &Request<'_>) -> Vec<Normal> {
    let mut blocks = Vec::new();
    each(request, |line| blocks.push(line.into()));
    blocks
}

/// The same blocks as they are hashed.
pub fn lines(request: &Request<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    each(request, |line| lines.push(line.line));
    lines
}

/// One line at a time: a history may be large.
fn each(request: &Request<'_>, mut take: impl FnMut(Line)) {
    let mut ids = HashSet::new();
    let (mut is_empty, mut opening_is_empty) = (true, false);
    for message in &request.messages {
        let Some(assistant) = speaker(message) else { continue };
        opening_is_empty |= is_empty && !assistant;
        if opening_is_empty && is_empty && assistant {
            take(Line::empty());
            is_empty = false;
        }
        let lines = message.blocks.iter().filter_map(|block| Line::of(block, assistant));
        for line in lines {
            if is_first(&line, &mut ids) {
                take(line);
                is_empty = false;
            }
        }
    }
    if is_empty && opening_is_empty {
        take(Line::empty());
    }
}

/// Whether the model speaks; `None` for messages that are no part of the history.
fn speaker(message: &Message<'_>) -> Option<bool> {
    match message.role.as_ref() {
        "user" => Some(false),
        "assistant" => Some(true),
        _ => None,
    }
}

/// Some clients send a call or its result twice; the first one counts.
fn is_first(block: &Line, ids: &mut HashSet<(bool, String)>) -> bool {
    let call = block.tool_use.iter().map(|id| (true, id.clone()));
    let result = block.tool_result.iter().map(|id| (false, id.clone()));
    call.chain(result).all(|id| ids.insert(id))
}

/// The prefixes of `blocks`, behind a chain of `length` blocks whose hash is `base`.
pub fn extend(base: Hash, length: u32, blocks: &[Normal]) -> Vec<Node> {
    let mut predecessor = base;
    (length + 1..)
        .zip(blocks)
        .map(|(length, block)| {
            let hash = predecessor.then(block.digest);
            let node = Node {
                hash,
                predecessor,
                length,
                assistant: block.assistant,
                tool_use: block.tool_use.clone(),
            };
            predecessor = hash;
            node
        })
        .collect()
}
