//! The format of a price file.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::PriceTable;
use crate::usage::{Tokens, Usage};

/// Why a price file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PriceFileError {
    #[error("the price file is not valid: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the price of {model} is not a number from 0 up")]
    Rate { model: String },
    #[error("the date of a price of {model} is out of range: {source}")]
    Date { model: String, source: jiff::Error },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    /// Dollars per search.
    #[serde(default = "usual_web_search")]
    web_search: f64,
    models: Vec<FileEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FileEntry {
    model: String,
    #[serde(default)]
    aliases: Vec<String>,
    /// The first day, UTC, on which it counts; absent for "ever".
    from: Option<Date>,
    rates: Rates,
    long_prompt: Option<LongPrompt>,
    /// Times the rates for an answer in fast mode; absent: that price is not known.
    fast: Option<f64>,
    #[serde(default = "usual_context")]
    context: u64,
}

/// US dollars per million tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Rates {
    pub(super) input: f64,
    pub(super) output: f64,
    pub(super) cache_read: f64,
    pub(super) cache_creation_5m: f64,
    pub(super) cache_creation_1h: f64,
}

/// The rates of requests whose whole context is larger.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LongPrompt {
    above: u64,
    rates: Rates,
}

/// The prices of one model from one day on.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Entry {
    pub(super) model: String,
    aliases: Vec<String>,
    pub(super) from: Timestamp,
    rates: Rates,
    long_prompt: Option<LongPrompt>,
    fast: Option<f64>,
    pub(super) context: u64,
}

/// Batches cost half.
const BATCH: f64 = 0.5;
/// Answers that were bound to the United States cost a tenth more.
const US_ONLY: f64 = 1.1;

impl Entry {
    pub(super) fn is_for(&self, name: &str) -> bool {
        self.model == name || self.aliases.iter().any(|alias| alias == name)
    }

    pub(super) fn rates(&self, tokens: &Tokens) -> &Rates {
        match &self.long_prompt {
            Some(long) if tokens.context() > long.above => &long.rates,
            _usual => &self.rates,
        }
    }

    /// What the answer's way of being made does to its price; `None` when that is not known.
    pub(super) fn factor(&self, usage: &Usage) -> Option<f64> {
        let says = |name: &str| usage.raw().get(name).and_then(|value| value.as_str());
        let speed = if says("speed") == Some("fast") { self.fast? } else { 1.0 };
        let tier = if says("service_tier") == Some("batch") { BATCH } else { 1.0 };
        let place = if says("inference_geo") == Some("us") { US_ONLY } else { 1.0 };
        Some(speed * tier * place)
    }

    fn from_file(entry: FileEntry) -> Result<Self, PriceFileError> {
        let long = entry.long_prompt.as_ref().map(|long| &long.rates);
        if std::iter::once(&entry.rates).chain(long).any(|rates| !rates.are_valid()) {
            return Err(PriceFileError::Rate { model: entry.model });
        }
        let from = entry.from.map_or(Ok(Timestamp::MIN), start_of_day);
        Ok(Self {
            from: from
                .map_err(|source| PriceFileError::Date { model: entry.model.clone(), source })?,
            model: entry.model,
            aliases: entry.aliases,
            rates: entry.rates,
            long_prompt: entry.long_prompt,
            fast: entry.fast,
            context: entry.context,
        })
    }
}

impl Rates {
    fn are_valid(&self) -> bool {
        let all = [
            self.input,
            self.output,
            self.cache_read,
            self.cache_creation_5m,
            self.cache_creation_1h,
        ];
        all.iter().all(|rate| rate.is_finite() && *rate >= 0.0)
    }
}

impl PriceTable {
    pub(super) fn read(json: &str) -> Result<Self, PriceFileError> {
        let file: File = serde_json::from_str(json)?;
        let entries = file.models.into_iter().map(Entry::from_file).collect::<Result<_, _>>()?;
        Ok(Self { entries, web_search: file.web_search })
    }
}

fn start_of_day(date: Date) -> Result<Timestamp, jiff::Error> {
    Ok(date.to_zoned(TimeZone::UTC)?.timestamp())
}

const fn usual_web_search() -> f64 {
    0.01
}

const fn usual_context() -> u64 {
    super::USUAL_CONTEXT
}
