//! The search field cut into its pieces.

use super::SyntaxError;

/// Names of conditions; any other word with a colon is a word (`http://…`, `main.rs:12`).
const NAMES: [&str; 14] = [
    "model", "account", "domain", "tool", "has", "tokens", "cost", "since", "after", "from",
    "until", "before", "to", "on",
];

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Word(String),
    Condition { name: String, value: String },
}

impl Piece {
    pub(super) fn into_word(self) -> Option<String> {
        match self {
            Self::Word(word) => Some(word),
            Self::Condition { .. } => None,
        }
    }
}

/// The pieces of `text`, separated by white space outside quotes.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, SyntaxError> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (condition, after) = name(rest);
        let (value, after) = value(after)?;
        pieces.extend(piece(condition, value));
        rest = after.trim_start();
    }
    Ok(pieces)
}

fn piece(condition: Option<&str>, value: &str) -> Option<Piece> {
    match condition {
        Some(name) => {
            Some(Piece::Condition { name: name.to_ascii_lowercase(), value: value.to_owned() })
        }
        None => (!value.trim().is_empty()).then(|| Piece::Word(value.trim().to_owned())),
    }
}

/// A known name before a colon, and what follows the colon.
fn name(text: &str) -> (Option<&str>, &str) {
    match text.split_once(':') {
        Some((name, after)) if NAMES.iter().any(|known| known.eq_ignore_ascii_case(name)) => {
            (Some(name), after)
        }
        _none => (None, text),
    }
}

/// A quoted text, or everything up to the next white space.
fn value(text: &str) -> Result<(&str, &str), SyntaxError> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"').ok_or(SyntaxError::Quote);
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    Ok(text.split_at(end))
}
