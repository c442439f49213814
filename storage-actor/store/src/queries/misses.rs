//! Turns that paid for what could have been read from the cache. Pure, from the rows' figures.

use jiff::{SignedDuration, Timestamp};
use nexus_messages::PriceTable;
use serde::Serialize;

use super::types::{ExchangeKind, GraphNode, NodeTokens, RequestSummary};

/// A cached prefix lives so long after its last use, and an hour where it was written for one.
const LIFE: SignedDuration = SignedDuration::from_mins(5);
const LONG_LIFE: SignedDuration = SignedDuration::from_hours(1);
/// Contexts below this are not cached at all (docs.anthropic.com, "Prompt caching").
const CACHEABLE: u64 = 2_048;

/// What was paid for anew, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheMiss {
    /// Tokens that the turn before had in the cache and this one did not read from there.
    pub tokens: u64,
    /// What they cost more than reading them would have; `None` when the model's price is not known.
    pub cost_usd: Option<f64>,
    pub reason: MissReason,
}

/// As far as the figures tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum MissReason {
    /// A summary took the history's place.
    Compacted,
    /// Another model has another cache.
    Model { before: String },
    /// So long after the turn before, nothing was left.
    Expired { idle_seconds: i64 },
    /// Tools, system prompt or an earlier message changed: the bodies show which.
    Changed,
}

/// What a miss is told from.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    pub kind: Option<ExchangeKind>,
    pub model: Option<&'a str>,
    pub at: Timestamp,
    pub tokens: NodeTokens,
}

impl<'a> From<&'a GraphNode> for Turn<'a> {
    fn from(node: &'a GraphNode) -> Self {
        let model = node.model.as_deref();
        Self { kind: node.kind, model, at: node.timestamp, tokens: node.tokens }
    }
}

impl<'a> From<&'a RequestSummary> for Turn<'a> {
    fn from(row: &'a RequestSummary) -> Self {
        let (model, tokens) = (row.model.as_deref(), NodeTokens::from(row));
        Self { kind: row.kind, model, at: row.timestamp, tokens }
    }
}

/// Whether `turn` missed what `parent` had left in the cache: it read less than half of that.
pub fn miss(turn: &Turn<'_>, parent: &Turn<'_>, prices: &PriceTable) -> Option<CacheMiss> {
    let had = parent.tokens.cache_read + parent.tokens.cache_creation;
    let read = turn.tokens.cache_read;
    if had < CACHEABLE || turn.tokens.context() == 0 || read >= had / 2 {
        return None;
    }
    // No more than was sent could have been read.
    let tokens = had.min(turn.tokens.context()).saturating_sub(read);
    let cost = turn.model.and_then(|model| prices.missed(model, tokens, turn.at));
    let reason = reason(turn, parent);
    Some(CacheMiss { tokens, cost_usd: cost.map(nexus_messages::Cost::usd), reason })
}

fn reason(turn: &Turn<'_>, parent: &Turn<'_>) -> MissReason {
    if turn.kind == Some(ExchangeKind::Compact) {
        return MissReason::Compacted;
    }
    if let (Some(model), Some(before)) = (turn.model, parent.model)
        && model != before
    {
        return MissReason::Model { before: before.to_owned() };
    }
    let idle = turn.at.duration_since(parent.at);
    let life = if parent.tokens.cache_creation_1h > 0 { LONG_LIFE } else { LIFE };
    if idle > life {
        return MissReason::Expired { idle_seconds: idle.as_secs() };
    }
    MissReason::Changed
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn turn(minute: i64, cache_read: u64, cache_creation: u64) -> Turn<'static> {
        let tokens =
            NodeTokens { input: 10, output: 1, cache_read, cache_creation, cache_creation_1h: 0 };
        let at = START + SignedDuration::from_mins(minute);
        Turn { kind: Some(ExchangeKind::Turn), model: Some("claude-opus-5-5"), at, tokens }
    }

    fn found(turn: &Turn<'_>, parent: &Turn<'_>) -> Option<CacheMiss> {
        miss(turn, parent, &PriceTable::listed())
    }

    #[test]
    fn a_turn_that_reads_what_was_there_has_not_missed() {
        let parent = turn(0, 40_000, 10_000);
        assert_eq!(found(&turn(1, 50_000, 100), &parent), None);
        assert_eq!(found(&turn(1, 0, 1_500), &turn(0, 0, 1_500)), None, "too little to be cached");
        assert_eq!(found(&turn(1, 0, 0), &Turn { tokens: NodeTokens::default(), ..parent }), None);
    }

    #[test]
    fn a_miss_has_its_reason_and_its_price() {
        let parent = turn(0, 0, 1_000_000);
        let changed = found(&turn(1, 0, 1_000_000), &parent).expect("a miss");
        assert_eq!((changed.tokens, changed.reason), (1_000_000, MissReason::Changed));
        // Written for 5 dollars a million, read for 0.2.
        assert_eq!(changed.cost_usd, Some(4.8));
        let late = found(&turn(20, 0, 1_000_000), &parent).expect("a miss");
        assert_eq!(late.reason, MissReason::Expired { idle_seconds: 1_200 });
        let other = Turn { model: Some("unheard-of"), ..turn(20, 0, 1_000_000) };
        let other = found(&other, &parent).expect("a miss");
        assert_eq!(other.reason, MissReason::Model { before: "claude-opus-5-5".into() });
        assert_eq!(other.cost_usd, None);
        let summary = Turn { kind: Some(ExchangeKind::Compact), ..turn(1, 0, 9_000) };
        let summary = found(&summary, &parent).expect("a miss");
        assert_eq!((summary.tokens, summary.reason), (9_010, MissReason::Compacted));
    }

    #[test]
    fn what_was_written_for_an_hour_lives_an_hour() {
        let mut parent = turn(0, 0, 50_000);
        parent.tokens.cache_creation_1h = 50_000;
        let reason = |minute| found(&turn(minute, 0, 50_000), &parent).expect("a miss").reason;
        assert_eq!(reason(20), MissReason::Changed);
        assert_eq!(reason(61), MissReason::Expired { idle_seconds: 3_660 });
    }
}
