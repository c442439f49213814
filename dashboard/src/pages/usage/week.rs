//! Tokens of the last seven days, whatever range the page shows.

use nexus_store::queries::GroupBy;

use crate::{
    chart::{self, Chart, Data, Series, Unit},
    error::PageError,
    pages::{overview::float, store},
    view::{Buckets, Ctx},
};

const HOUR: u32 = 60;
/// Hours of the sliding window's chart, and of the window.
const WEEK: usize = 24 * 7;
const WINDOW: usize = 5;

/// What its chart shows.
pub(super) struct Week {
    cut: Buckets,
    /// Tokens by hour, from a window's length before the week on.
    hours: Vec<f64>,
}

impl Week {
    pub(super) async fn load(ctx: &Ctx) -> Result<Self, PageError> {
        let cut = Buckets::new(HOUR, WEEK, ctx.now(), &ctx.counted_zone());
        let ahead = i64::try_from(WINDOW).unwrap_or(1) - 1;
        let from = cut.start() - jiff::SignedDuration::from_hours(ahead);
        let queries = &ctx.dashboard.deps.queries;
        let filter = ctx.usage_filter(Some(from));
        let used = queries.list_usage(&filter, HOUR, GroupBy::default()).await.map_err(store)?;
        let (before, current) = cut.split(&used);
        let ahead = &before[WEEK + 1 - WINDOW..];
        let hours = ahead.iter().chain(&current).map(|t| float(t.tokens.total())).collect();
        Ok(Self { cut, hours })
    }

    /// Tokens of the five hours up to each hour.
    pub(super) fn sliding(&self) -> Chart {
        let values = self.hours.windows(WINDOW).map(|hours| hours.iter().sum()).collect();
        chart::lines(&Data {
            title: "Tokens in the five hours before, over seven days".into(),
            unit: Unit::Count,
            series: vec![Series::new("Last 5 hours", values)],
            labels: self.cut.labels(),
            limit: None,
        })
    }
}
