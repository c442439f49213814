//! Usage: windows, tokens and cost over time, by day, by hour, by model, by type.

mod export;
mod span;
#[cfg(test)]
mod tests;
mod week;

use std::collections::{BTreeMap, BTreeSet};

use actix_web::HttpResponse;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use nexus_store::queries::{AccountWindow, GroupBy, UsageBucket, UsageKey, UsageTotals};
use serde::Serialize;

pub use self::export::csv;
use self::{span::Span, week::Week};
use super::{
    overview::{accounts, float, windows},
    store, zones,
};
use crate::{
    chart::{self, Chart, Data, Series, Unit},
    error::PageError,
    view::{Choice, Ctx, Fragment, Listed, Page, Place, Range, Window},
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
const NAMES: usize = 10;
const DAYS: usize = 31;

#[derive(Debug, Default, Serialize)]
pub struct UsagePage {
    windows: Listed<Window>,
    /// Accounts of the period whose windows the upstream never reported.
    unknown: Listed<String>,
    tokens: Chart,
    cost: Chart,
    heat: Chart,
    sliding: Chart,
    days: Listed<Sum>,
    models: Listed<Sum>,
    types: Listed<Sum>,
    accounts: Listed<Sum>,
    domains: Listed<Sum>,
    total: Sum,
    saved_usd: Option<f64>,
    cache_share: Option<f64>,
    zone: String,
    zones: Vec<Choice>,
    /// All time was asked for, of which the page has the last year.
    is_year: bool,
    csv: String,
}

impl Fragment for UsagePage {
    const TEMPLATE: &'static str = "usage.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let sum =
            Sum { name: "<b>".into(), requests: 3, unpriced: 1, share: 0.4, ..Sum::default() };
        let full = Self {
            windows: Listed::of(vec![Window::sample(); 2], 1),
            unknown: Listed::of(vec!["acc_2".into(); 2], 1),
            days: Listed::of(vec![sum.clone(); 3], 1),
            models: Listed::of(vec![sum.clone()], 1),
            types: Listed::of(vec![sum.clone()], 1),
            accounts: Listed::of(vec![sum.clone()], 1),
            domains: Listed::of(vec![sum], 1),
            saved_usd: Some(1.0),
            cache_share: Some(0.9),
            zone: "UTC".into(),
            zones: vec![Choice { value: "UTC".into(), label: "<b>".into(), selected: true }],
            is_year: true,
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
    models: Listed<Sum>,
    types: Listed<Sum>,
    accounts: Listed<Sum>,
    domains: Listed<Sum>,
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
            known: accounts(&sums),
        })
    }
}

/// One row a name, the largest first.
fn named_sums(parts: impl Iterator<Item = (Option<String>, UsageTotals)>) -> Listed<Sum> {
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
    Listed::of(sums, NAMES)
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
        let now = self.span.now;
        let windows = windows(reported, &ctx.scope, &groups.known, now, false);
        let mut unknown = groups.known;
        for window in reported {
            unknown.remove(&window.account_id);
        }
        let zone = self.span.zone.iana_name().unwrap_or("UTC");
        let links = ctx.own_links();
        UsagePage {
            windows,
            unknown: Listed::of(unknown.into_iter().collect(), NAMES),
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
            is_year: ctx.range::<UsagePage>() == Range::All,
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

    fn days(&self) -> Listed<Sum> {
        let sums = self.by_day();
        let most = sums.values().map(|totals| totals.tokens.total()).max().unwrap_or(1).max(1);
        let days = sums.into_iter().rev().map(|(day, totals)| Sum {
            share: float(totals.tokens.total()) / float(most),
            ..sum(day.to_string(), &totals)
        });
        Listed::of(days.collect(), DAYS)
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
