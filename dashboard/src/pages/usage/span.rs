//! The time that Usage sums up, and in what stretches.

use jiff::{Timestamp, tz::TimeZone};

use super::UsagePage;
use crate::{
    error::PageError,
    pages::zones,
    view::{Buckets, Ctx, Range},
};

pub(super) struct Span {
    pub(super) zone: TimeZone,
    pub(super) now: Timestamp,
    /// What the charts show of it.
    pub(super) cut: Buckets,
    /// Where the first whole stretch begins.
    pub(super) from: Timestamp,
    /// A stretch's length.
    pub(super) minutes: u32,
}

impl Span {
    pub(super) fn of(range: Range, zone: TimeZone, now: Timestamp) -> Result<Self, PageError> {
        let cut = Buckets::of(range, now, &zone)?;
        // All time begins where its charts do, or sums and charts would tell different numbers.
        let from = range.from(now).unwrap_or_else(|| cut.start());
        let minutes = zones::stretch(&zone, from, now).min(Buckets::minutes(range));
        Ok(Self { from: next_stretch(from, minutes), zone, now, cut, minutes })
    }

    pub(super) fn asked(ctx: &Ctx) -> Result<Self, PageError> {
        Self::of(ctx.range::<UsagePage>(), ctx.counted_zone(), ctx.now())
    }
}

/// The first instant from `at` on at which a stretch begins.
fn next_stretch(at: Timestamp, minutes: u32) -> Timestamp {
    let width = i64::from(minutes) * 60;
    let begun = at.as_second().div_euclid(width) * width;
    let start = |second| Timestamp::from_second(second).unwrap_or(at);
    if start(begun) == at { at } else { start(begun + width) }
}
