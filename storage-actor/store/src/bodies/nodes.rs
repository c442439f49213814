//! Which nodes of the histories in a batch are new. Pure: the look-ups are the caller's.

use std::collections::HashMap;

use super::keyed::{Hash, KeyedNode};

/// How many of a history's last nodes are looked up first. A turn adds two or three messages; only a
/// history that was never seen, or was left long ago, needs the second look-up.
pub(super) const TAIL: usize = 12;

/// Where the stored part of `list` ends: the position after the last known node.
pub(super) fn known_length(list: &[KeyedNode], known: &HashMap<Hash, i64>) -> usize {
    list.iter().rposition(|node| known.contains_key(&node.hash)).map_or(0, |last| last + 1)
}

/// The hashes to look up first.
pub(super) fn tail(list: &[KeyedNode]) -> impl Iterator<Item = &Hash> {
    list[list.len().saturating_sub(TAIL)..].iter().map(|node| &node.hash)
}

/// The hashes to look up when the tail is not known.
pub(super) fn rest(list: &[KeyedNode]) -> impl Iterator<Item = &Hash> {
    list[..list.len().saturating_sub(TAIL)].iter().map(|node| &node.hash)
}
