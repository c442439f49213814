//! What a link stands on.

use serde::Serialize;

/// Why an exchange has the parent that it has, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkReason {
    /// The rule that decided; see `docs/linking.md`.
    pub method: &'static str,
    /// Percent; an order, not a probability.
    pub confidence: u8,
    pub hashes: LinkHashes,
}

/// The rule that linked an exchange, without what it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkMethod {
    pub name: &'static str,
    /// As [`LinkReason::confidence`].
    pub confidence: u8,
}

/// An exchange's place among the others, as far as one statement tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    pub method: LinkMethod,
    /// Of the conversation that it is in.
    pub title: Option<String>,
}

/// SHA-256, hexadecimal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkHashes {
    /// Of the whole history that the request sent.
    pub current: Option<String>,
    /// Of what it shares with its parent's history.
    pub parent: Option<String>,
    /// Of the part of the system prompt that stays the same through a session.
    pub system: Option<String>,
}
