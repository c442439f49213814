//! The summaries that a history goes on from.

use nexus_messages::Request;
use serde::{Deserialize, Serialize};

use super::summary::continuation_probes;
use crate::{block::Normal, hash::Hash};

/// How many are looked at, from the history's end.
const MAX_SUMMARIES: usize = 4;

/// A text of a history that carries on from a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Blocks up to the text, itself included.
    pub length: u32,
    pub probes: Vec<Hash>,
}

/// Those of a request with these `blocks`, last first.
pub fn summaries(request: &Request<'_>, blocks: &[Normal]) -> Vec<Summary> {
    let users = request.messages.iter().rev().filter(|message| message.role == "user");
    let texts = users.flat_map(|message| message.blocks.iter().rev());
    let mut before = blocks;
    let found = texts.filter_map(|block| {
        let probes = continuation_probes(block.text()?)?;
        let digest = Normal::of(block, false)?.digest;
        let index = before.iter().rposition(|normal| normal.digest == digest)?;
        before = &before[..index];
        Some(Summary { length: u32::try_from(index + 1).unwrap_or(u32::MAX), probes })
    });
    found.take(MAX_SUMMARIES).collect()
}
