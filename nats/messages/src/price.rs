//! What an exchange costs, and how much context a model takes.
//!
//! Prices are Anthropic's list prices (platform.claude.com, "Pricing", as of November 2026) and, for
//! analyses, Google's of the models that are used for them (ai.google.dev, "Pricing"), per
//! model and from a date on; a file of the same format lays others over them. A model that is not
//! listed has no price: its cost is unknown, never zero.

mod file;
mod name;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::file::PriceFileError;
use self::file::{Entry, Rates};
use crate::usage::{Tokens, Usage};

const LISTED: &str = include_str!("price/prices.json");

/// A sum of money in billionths of a US dollar.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Cost(pub i64);

impl Cost {
    /// In US dollars, for display.
    #[expect(clippy::cast_precision_loss, reason = "a figure for display")]
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// Prices and context limits by model.
#[derive(Debug, Clone, Serialize)]
pub struct PriceTable {
    entries: Vec<Entry>,
    web_search: f64,
}

/// How many tokens a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextLimit {
    pub tokens: u64,
    /// The model is not listed, and this is what most models take.
    pub is_estimate: bool,
}

/// What most models take; assumed for unknown ones.
const USUAL_CONTEXT: u64 = 200_000;
/// What a request with the context beta, or with `[1m]` in its model, gets.
const LARGE_CONTEXT: u64 = 1_000_000;
const CONTEXT_BETA: &str = "context-1m";

/// How a cost comes of a rate; to be raised when [`PriceTable::cost`] gives something else for the same
/// rates, so that what was stored is computed anew.
const RULES: u32 = 1;

impl PriceTable {
    /// The listed prices.
    ///
    /// # Panics
    /// Never: a test reads the embedded file.
    pub fn listed() -> Self {
        Self::read(LISTED).expect("the embedded price file is valid")
    }

    /// The listed prices with those of `file` laid over them: a model in the file replaces all
    /// entries of that model.
    pub fn with_file(file: &str) -> Result<Self, PriceFileError> {
        let mut table = Self::listed();
        let over = Self::read(file)?;
        table.entries.retain(|entry| over.entries.iter().all(|new| new.model != entry.model));
        table.entries.extend(over.entries);
        table.web_search = over.web_search;
        Ok(table)
    }

    /// Names what costs are computed by: two tables with the same version give the same costs.
    pub fn version(&self) -> String {
        let text = serde_json::json!({"rules": RULES, "prices": self}).to_string();
        hex::encode(&Sha256::digest(text)[..8])
    }

    /// What `usage` of `model` at `at` costs; `None` when the price is not known.
    pub fn cost(&self, model: &str, usage: &Usage, at: Timestamp) -> Option<Cost> {
        let entry = self.entry(model, at)?;
        let tokens = usage.tokens();
        let factor = entry.factor(usage)?;
        let used = price(entry.rates(&tokens), &tokens) * factor;
        #[expect(clippy::cast_precision_loss, reason = "few searches")]
        let searched = usage.web_searches() as f64 * self.web_search * 1e9;
        Some(rounded(used + searched))
    }

    /// What cached input saved, against sending it uncached; `None` when the price is not known.
    pub fn saved(&self, model: &str, tokens: &Tokens, at: Timestamp) -> Option<Cost> {
        let rates = self.entry(model, at)?.rates(tokens);
        let uncached = Tokens { input: tokens.context(), output: tokens.output, ..<_>::default() };
        Some(rounded(price(rates, &uncached) - price(rates, tokens)))
    }

    /// What `tokens` cost more as fresh cache writes than as reads of the cache.
    pub fn missed(&self, model: &str, tokens: u64, at: Timestamp) -> Option<Cost> {
        let written = Tokens { cache_creation_5m: tokens, ..<_>::default() };
        let rates = self.entry(model, at)?.rates(&written);
        let read = Tokens { cache_read: tokens, ..<_>::default() };
        Some(rounded(price(rates, &written) - price(rates, &read)))
    }

    /// How much `model` takes. `beta` is the request's `anthropic-beta`.
    pub fn context_limit(&self, model: &str, beta: Option<&str>) -> ContextLimit {
        let known = self.newest(model).map(|entry| entry.context);
        let is_large =
            model.ends_with("[1m]") || beta.is_some_and(|beta| beta.contains(CONTEXT_BETA));
        let tokens = known.unwrap_or(USUAL_CONTEXT);
        let tokens = if is_large { tokens.max(LARGE_CONTEXT) } else { tokens };
        ContextLimit { tokens, is_estimate: known.is_none() && !is_large }
    }

    /// Whether the model is listed at all.
    pub fn is_known(&self, model: &str) -> bool {
        self.newest(model).is_some()
    }

    fn entry(&self, model: &str, at: Timestamp) -> Option<&Entry> {
        let name = name::plain(model);
        let dated = self.entries.iter().filter(|entry| entry.is_for(&name));
        dated.filter(|entry| entry.from <= at).max_by_key(|entry| entry.from)
    }

    fn newest(&self, model: &str) -> Option<&Entry> {
        let name = name::plain(model);
        self.entries.iter().filter(|entry| entry.is_for(&name)).max_by_key(|entry| entry.from)
    }
}

/// Billionths of a dollar. A rate is in dollars per million tokens, so a token costs rate × 1,000.
#[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^53")]
fn price(rates: &Rates, tokens: &Tokens) -> f64 {
    let parts = [
        (tokens.input, rates.input),
        (tokens.output, rates.output),
        (tokens.cache_read, rates.cache_read),
        (tokens.cache_creation_5m, rates.cache_creation_5m),
        (tokens.cache_creation_1h, rates.cache_creation_1h),
    ];
    parts.iter().map(|(tokens, rate)| *tokens as f64 * rate * 1_000.0).sum()
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
fn rounded(nanos: f64) -> Cost {
    Cost(nanos.round() as i64)
}

#[cfg(test)]
mod tests;
