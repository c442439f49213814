//! Usage: windows, tokens and cost over time, by day, by hour, by model, by type.

mod export;
mod span;
mod week;

use std::collections::{BTreeMap, BTreeSet};

use actix_web::HttpResponse;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use nexus_store::queries::{AccountWindow, GroupBy, UsageBucket, UsageKey, UsageTotals};
use serde::Serialize;

pub use self::export::csv;
use self::{span::Span, week::Week};
use super::{
    overview::{float, windows},
    store, zones,
};
use crate::{
    chart::{self, Chart, Data, Series, Unit},
    error::PageError,
    view::{Choice, Ctx, Fragment, Page, Place, Range, Window},
};

/// Sums of one group.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sum {
    pub name: String,
    pub requests: u64,
    pub errors: u64,
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_written: u64,
    pub total: u64,
    pub cost_usd: Option<f64>,
    pub unpriced: u64,
    /// Share of the largest group's tokens.
    pub share: f64,
}

/// Rows of a table of names, and of days: clients choose as many names as they like, and all time has
/// many days.
const NAMES: usize = 12;
const DAYS: usize = 31;

/// The first sums of some, and how many more there are.
#[derive(Debug, Default, Serialize)]
struct Table {
    rows: Vec<Sum>,
    left: usize,
}

impl Table {
    fn of(mut rows: Vec<Sum>, most: usize) -> Self {
        let left = rows.len().saturating_sub(most);
        rows.truncate(most);
        Self { rows, left }
    }
}

#[derive(Debug, Default, Serialize)]
pub struct UsagePage {
    windows: Vec<Window>,
    /// Accounts of the period whose windows the upstream never reported.
    unknown: Vec<String>,
    tokens: Chart,
    cost: Chart,
    heat: Chart,
    sliding: Chart,
    days: Table,
    models: Table,
    types: Table,
    accounts: Table,
    domains: Table,
    total: Sum,
    saved_usd: Option<f64>,
    cache_share: Option<f64>,
    zone: String,
    zones: Vec<Choice>,
    /// As the address says it; empty for the usual one.
    range: String,
    csv: String,
}

impl Fragment for UsagePage {
    const TEMPLATE: &'static str = "usage.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let sum =
            Sum { name: "<b>".into(), requests: 3, unpriced: 1, share: 0.4, ..Sum::default() };
        let full = Self {
            windows: vec![Window::sample()],
            unknown: vec!["acc_2".into()],
            days: Table::of(vec![sum.clone(); 3], 1),
            models: Table::of(vec![sum.clone()], 1),
            types: Table::of(vec![sum.clone()], 1),
            accounts: Table::of(vec![sum.clone()], 1),
            domains: Table::of(vec![sum], 1),
            saved_usd: Some(1.0),
            cache_share: Some(0.9),
            zone: "UTC".into(),
            zones: vec![Choice { value: "UTC".into(), label: "<b>".into(), selected: true }],
            range: "7d".into(),
            csv: "/usage.csv".into(),
            ..Self::default()
        };
        vec![full, Self { csv: "/usage.csv".into(), ..Self::default() }]
    }
}

impl Page for UsagePage {
    const PLACE: Place = Place::Usage;
    const RANGE: Range = Range::Month;

    fn title(&self) -> String {
        "Usage".into()
    }
}

/// `GET /usage`
pub async fn page(ctx: Ctx) -> Result<HttpResponse, PageError> {
    let span = Span::asked(&ctx)?;
    let (used, groups, windows, week) = tokio::try_join!(
        Used::load(&ctx, &span),
        Groups::load(&ctx, &span),
        reported(&ctx),
        Week::load(&ctx)
    )?;
    ctx.page(&used.page(&ctx, groups, &windows, &week)).await
}

async fn reported(ctx: &Ctx) -> Result<Vec<AccountWindow>, PageError> {
    ctx.dashboard.deps.queries.list_windows().await.map_err(store)
}

/// What the page needs by more than time, and by no shorter time than days: each name would be as many
/// rows more a stretch.
struct Groups {
    models: Table,
    types: Table,
    accounts: Table,
    domains: Table,
    saved_usd: Option<f64>,
    /// The accounts that have a name.
    known: BTreeSet<String>,
}

impl Groups {
    async fn load(ctx: &Ctx, span: &Span) -> Result<Self, PageError> {
        let group = GroupBy { domain: true, account: true, request_type: true, model: false };
        let filter = ctx.usage_filter(Some(span.from));
        let by_model = GroupBy { model: true, ..GroupBy::default() };
        // Prices change at midnights in UTC.
        let edges = zones::day_edges(&TimeZone::UTC, span.from, span.now)?;
        let queries = &ctx.dashboard.deps.queries;
        let (sums, days) = tokio::try_join!(
            queries.sum_usage_by(&filter, group),
            queries.list_usage_between(&filter, &edges, by_model)
        )
        .map_err(store)?;
        let by = |name: fn(&UsageKey) -> Option<String>| {
            named_sums(sums.iter().map(|(key, totals)| (name(key), *totals)))
        };
        Ok(Self {
            models: named_sums(days.iter().map(|day| (day.key.model.clone(), day.totals))),
            saved_usd: saved(&days),
            types: by(|key| key.request_type.map(|kind| kind.as_str().to_owned())),
            accounts: by(|key| key.account_id.clone()),
            domains: by(|key| key.domain.clone()),
            known: sums.keys().filter_map(|key| key.account_id.clone()).collect(),
        })
    }
}

/// One row a name, the largest first.
fn named_sums(parts: impl Iterator<Item = (Option<String>, UsageTotals)>) -> Table {
    let mut sums: BTreeMap<String, UsageTotals> = BTreeMap::new();
    for (name, totals) in parts {
        *sums.entry(name.unwrap_or_else(|| "unknown".into())).or_default() += totals;
    }
    let mut sums: Vec<Sum> = sums.into_iter().map(|(name, totals)| sum(name, &totals)).collect();
    sums.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.name.cmp(&b.name)));
    let most = sums.first().map_or(1, |sum| sum.total).max(1);
    for sum in &mut sums {
        sum.share = float(sum.total) / float(most);
    }
    Table::of(sums, NAMES)
}

/// What the cache saved at list prices, from sums by model; unknown models add nothing.
fn saved(days: &[UsageBucket]) -> Option<f64> {
    let prices = nexus_messages::PriceTable::listed();
    let known = days
        .iter()
        .filter_map(|day| prices.saved(day.key.model.as_deref()?, &day.totals.tokens, day.start));
    known.map(nexus_messages::Cost::usd).reduce(|sum, cost| sum + cost)
}

/// What one statement gives over time.
struct Used<'a> {
    buckets: Vec<UsageBucket>,
    span: &'a Span,
}

impl<'a> Used<'a> {
    /// By stretch.
    async fn load(ctx: &Ctx, span: &'a Span) -> Result<Self, PageError> {
        let filter = ctx.usage_filter(Some(span.from));
        let queries = &ctx.dashboard.deps.queries;
        let group = GroupBy::default();
        let buckets = queries.list_usage(&filter, span.minutes, group).await.map_err(store)?;
        Ok(Self { buckets, span })
    }

    fn page(
        &self,
        ctx: &Ctx,
        groups: Groups,
        reported: &[AccountWindow],
        week: &Week,
    ) -> UsagePage {
        let mut total = UsageTotals::default();
        for bucket in &self.buckets {
            total += bucket.totals;
        }
        let mut unknown = groups.known;
        for window in reported {
            unknown.remove(&window.account_id);
        }
        let zone = self.span.zone.iana_name().unwrap_or("UTC");
        let links = ctx.own_links();
        UsagePage {
            windows: windows(reported, ctx.scope.account(), self.span.now, false),
            unknown: unknown.into_iter().collect(),
            tokens: self.tokens(),
            cost: self.cost(),
            heat: self.heat(),
            sliding: week.sliding(),
            days: self.days(),
            models: groups.models,
            types: groups.types,
            accounts: groups.accounts,
            domains: groups.domains,
            cache_share: total.tokens.cache_hit_rate(),
            saved_usd: groups.saved_usd,
            total: sum("Total".into(), &total),
            zone: zone.into(),
            zones: zones::offered(ctx),
            range: links.get("range").unwrap_or_default().into(),
            csv: links.with("tz", Some(zone)).replacen("/usage", "/usage.csv", 1),
        }
    }

    fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.span.zone.clone()).date()
    }

    fn by_day(&self) -> BTreeMap<Date, UsageTotals> {
        let mut sums: BTreeMap<Date, UsageTotals> = BTreeMap::new();
        for bucket in &self.buckets {
            *sums.entry(self.day(bucket.start)).or_default() += bucket.totals;
        }
        sums
    }

    fn days(&self) -> Table {
        let sums = self.by_day();
        let most = sums.values().map(|totals| totals.tokens.total()).max().unwrap_or(1).max(1);
        let days = sums.into_iter().rev().map(|(day, totals)| Sum {
            share: float(totals.tokens.total()) / float(most),
            ..sum(day.to_string(), &totals)
        });
        Table::of(days.collect(), DAYS)
    }

    /// The course, cut as the range asks.
    fn course(&self) -> (Vec<UsageTotals>, Vec<String>) {
        let (_, current) = self.span.cut.split(&self.buckets);
        (current, self.span.cut.labels())
    }

    fn tokens(&self) -> Chart {
        let (course, labels) = self.course();
        let series = |name: &str, of: fn(&UsageTotals) -> u64| {
            Series::new(name, course.iter().map(|totals| float(of(totals))).collect())
        };
        chart::bars(&Data {
            title: "Tokens over time".into(),
            unit: Unit::Count,
            series: vec![
                series("Cache read", |t| t.tokens.cache_read),
                series("Cache written", |t| t.tokens.cache_creation()),
                series("Input", |t| t.tokens.input),
                series("Output", |t| t.tokens.output),
            ],
            labels,
            limit: None,
        })
    }

    fn cost(&self) -> Chart {
        let (course, labels) = self.course();
        let values = course.iter().map(|totals| totals.cost.usd()).collect();
        chart::bars(&Data {
            title: "Cost over time".into(),
            unit: Unit::Usd,
            series: vec![Series::new("Cost", values)],
            labels,
            limit: None,
        })
    }

    fn heat(&self) -> Chart {
        let mut week = [[0.0; 24]; 7];
        for bucket in &self.buckets {
            let at = bucket.start.to_zoned(self.span.zone.clone());
            let day = usize::from(at.weekday().to_monday_zero_offset().unsigned_abs());
            let hour = usize::from(at.hour().unsigned_abs());
            week[day][hour] += float(bucket.totals.requests);
        }
        chart::heat("Requests by hour of the week", &week, Unit::Count)
    }
}

fn sum(name: String, totals: &UsageTotals) -> Sum {
    let tokens = &totals.tokens;
    Sum {
        name,
        requests: totals.requests,
        errors: totals.errors,
        input: tokens.input,
        output: tokens.output,
        cache_read: tokens.cache_read,
        cache_written: tokens.cache_creation(),
        total: tokens.total(),
        cost_usd: totals.cost_usd(),
        unpriced: totals.unpriced,
        share: 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn bucket(start: &str, requests: u64) -> UsageBucket {
        let totals = UsageTotals { requests, ..UsageTotals::default() };
        UsageBucket { start: at(start), key: <_>::default(), totals }
    }

    fn span(range: Range, zone: &str, now: Timestamp) -> Span {
        Span::of(range, TimeZone::get(zone).expect("a zone"), now).expect("a span")
    }

    #[test]
    fn stretches_are_no_wider_than_the_charts() {
        let now = at("2026-11-22T20:05:00Z");
        let span = |range, zone| span(range, zone, now);
        let hour = span(Range::Hour, "UTC");
        assert_eq!((hour.minutes, hour.from), (15, at("2026-11-22T19:15:00Z")));
        let day = span(Range::Day, "UTC");
        assert_eq!((day.minutes, day.from), (60, at("2026-11-21T21:00:00Z")));
        assert_eq!(span(Range::Day, "Asia/Kathmandu").minutes, 15);
        let buckets = vec![bucket("2026-11-22T19:15:00Z", 1), bucket("2026-11-22T20:00:00Z", 2)];
        let (course, _) = Used { buckets, span: &hour }.course();
        assert_eq!(course.iter().map(|totals| totals.requests).collect::<Vec<_>>(), [1, 0, 0, 2]);
    }

    #[test]
    fn a_table_says_what_it_leaves_out() {
        let names =
            |count: u32| (0..count).map(|n| (Some(format!("d{n}")), UsageTotals::default()));
        let (few, many) = (named_sums(names(3)), named_sums(names(40)));
        assert_eq!((few.rows.len(), few.left), (3, 0));
        assert_eq!((many.rows.len(), many.left), (NAMES, 40 - NAMES));
    }

    #[test]
    fn a_day_is_the_zones_own_in_table_and_chart() {
        // Midnight in Kolkata is 18:30 in UTC.
        let span = span(Range::Month, "Asia/Kolkata", at("2026-11-22T20:00:00Z"));
        let buckets = vec![bucket("2026-11-22T18:15:00Z", 1), bucket("2026-11-22T18:30:00Z", 2)];
        let used = Used { buckets, span: &span };
        let days: Vec<_> =
            used.days().rows.into_iter().map(|day| (day.name, day.requests)).collect();
        assert_eq!(days, [("2026-11-23".to_owned(), 2), ("2026-11-22".to_owned(), 1)]);
        let (course, labels) = used.course();
        assert_eq!(
            (course.len(), labels[29].as_str(), labels[28].as_str()),
            (30, "Nov 23", "Nov 22")
        );
        assert_eq!((course[29].requests, course[28].requests), (2, 1));
    }
}
