//! The search field's language: `model:opus has:error tokens:>50k since:2026-11-01 some words`.
//!
//! Conditions are `name:value`; a value with spaces stands in double quotes. What is no condition
//! is a word to be found, `"several words"` a phrase. All conditions and words must hold.

mod number;
mod split;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use thiserror::Error;

use self::split::{Piece, pieces};
pub use number::{Bound, Comparison};

/// Words and conditions that one search may have.
pub const MAX_PIECES: usize = 32;

/// What was searched for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Search {
    /// Words and phrases, all of which must be found.
    pub words: Vec<String>,
    /// Models, any of which; a part of the name is enough.
    pub models: Vec<String>,
    pub accounts: Vec<String>,
    pub domains: Vec<String>,
    /// Tools, all of which must have been called.
    pub tools: Vec<String>,
    pub has: Vec<Has>,
    /// Total tokens.
    pub tokens: Vec<Bound>,
    /// Billionths of a US dollar.
    pub cost: Vec<Bound>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// Something that a conversation, or an exchange, has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    Error,
    Subtask,
    Branch,
    Compact,
    Analysis,
}

/// Why the text is no search, said so that a person can mend it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SyntaxError {
    #[error("a quote is opened and not closed")]
    Quote,
    #[error("`{name}:` needs a value")]
    Empty { name: String },
    #[error("`{name}:{value}` is not understood: {expected}")]
    Value { name: String, value: String, expected: &'static str },
    #[error("more than {MAX_PIECES} words and conditions")]
    TooMany,
}

const HAS: &str = "use has:error, has:subtask, has:branch, has:compact or has:analysis";
const TOKENS: &str = "use a number such as tokens:>50k, tokens:<=2m or tokens:100..200";
const COST: &str = "use US dollars such as cost:>1 or cost:0.5..2";
const DATE: &str = "use a day such as 2026-11-23, or an instant such as 2026-11-23T09:00:00Z";

impl Search {
    /// Its words without its other conditions.
    pub(crate) fn words_alone(&self) -> Self {
        Self { words: self.words.clone(), ..Self::default() }
    }

    /// Reads the search field. Days begin at midnight in `zone`.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, SyntaxError> {
        let mut search = Self::default();
        let pieces = pieces(text)?;
        if pieces.len() > MAX_PIECES {
            return Err(SyntaxError::TooMany);
        }
        for piece in pieces {
            search.add(piece, zone)?;
        }
        Ok(search)
    }

    /// Nothing was searched for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, piece: Piece, zone: &TimeZone) -> Result<(), SyntaxError> {
        let Piece::Condition { name, value } = piece else {
            self.words.extend(piece.into_word());
            return Ok(());
        };
        if value.is_empty() {
            return Err(SyntaxError::Empty { name });
        }
        let wrong =
            |expected| SyntaxError::Value { name: name.clone(), value: value.clone(), expected };
        match name.as_str() {
            "model" => self.models.push(value),
            "account" => self.accounts.push(value),
            "domain" => self.domains.push(value.to_ascii_lowercase()),
            "tool" => self.tools.push(value),
            "has" => self.has.push(Has::parse(&value).ok_or_else(|| wrong(HAS))?),
            "tokens" => {
                let bounds = number::bounds(&value, 1.0).ok_or_else(|| wrong(TOKENS))?;
                self.tokens.extend(bounds);
            }
            "cost" => {
                let bounds = number::bounds(&value, 1e9).ok_or_else(|| wrong(COST))?;
                self.cost.extend(bounds);
            }
            _date => self.add_date(&name, &value, zone).ok_or_else(|| wrong(DATE))?,
        }
        Ok(())
    }

    fn add_date(&mut self, name: &str, value: &str, zone: &TimeZone) -> Option<()> {
        let (from, to) = span(value, zone)?;
        if matches!(name, "since" | "after" | "from" | "on") {
            self.from = Some(self.from.map_or(from, |known| known.max(from)));
        }
        let end = if name == "on" { to } else { from };
        if matches!(name, "until" | "before" | "to" | "on") {
            self.to = Some(self.to.map_or(end, |known| known.min(end)));
        }
        Some(())
    }
}

impl Has {
    /// `error`, `errors`, `subtask`, …
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().trim_end_matches('s') {
            "error" => Some(Self::Error),
            "subtask" => Some(Self::Subtask),
            "branch" | "branche" => Some(Self::Branch),
            "compact" => Some(Self::Compact),
            "analysi" => Some(Self::Analysis),
            _unknown => None,
        }
    }
}

/// The instants at which a day, or an instant, begins and ends.
fn span(value: &str, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    if let Ok(instant) = value.parse::<Timestamp>() {
        return Some((instant, instant));
    }
    let day: Date = value.parse().ok()?;
    let midnight = |day: Date| day.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    Some((midnight(day)?, midnight(day.tomorrow().ok()?)?))
}

#[cfg(test)]
mod tests;
