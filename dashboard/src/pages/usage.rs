//! Usage: windows, tokens and cost over time, by day, by hour, by model, by type.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use nexus_store::queries::{AccountSummary, GroupBy, UsageBucket, UsageTotals};
use serde::Serialize;

use super::{
    overview::{float, windows},
    store,
};
use crate::{
    chart::{self, Chart, Data, Series, Unit},
    error::PageError,
    view::{Buckets, Ctx, Fragment, Page, Place, Range, Window, put},
};

/// The price of a cached token read is a tenth of an uncached one's, for all models so far.
const HOUR: u32 = 60;

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

#[derive(Debug, Default, Serialize)]
pub struct UsagePage {
    windows: Vec<Window>,
    /// Accounts whose windows the upstream never reported.
    unknown: Vec<String>,
    tokens: Chart,
    cost: Chart,
    heat: Chart,
    sliding: Chart,
    days: Vec<Sum>,
    models: Vec<Sum>,
    types: Vec<Sum>,
    accounts: Vec<Sum>,
    domains: Vec<Sum>,
    total: Sum,
    saved_usd: Option<f64>,
    cache_share: Option<f64>,
    zone: String,
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
            days: vec![sum.clone()],
            models: vec![sum.clone()],
            types: vec![sum.clone()],
            accounts: vec![sum.clone()],
            domains: vec![sum],
            saved_usd: Some(1.0),
            cache_share: Some(0.9),
            csv: "/usage.csv".into(),
            ..Self::default()
        };
        vec![full, Self { csv: "/usage.csv".into(), ..Self::default() }]
    }
}

impl Page for UsagePage {
    const PLACE: Place = Place::Usage;

    fn title(&self) -> String {
        "Usage".into()
    }
}

/// `GET /usage`
pub async fn page(ctx: Ctx) -> Result<HttpResponse, PageError> {
    let used = Used::load(&ctx).await?;
    let accounts = ctx.dashboard.deps.queries.list_accounts().await.map_err(store)?;
    ctx.page(&used.page(&ctx, &accounts)).await
}

/// `GET /usage.csv`: one row a day, account, domain and model.
pub async fn csv(ctx: Ctx) -> Result<HttpResponse, PageError> {
    let used = Used::load(&ctx).await?;
    Ok(HttpResponse::Ok()
        .insert_header(("content-type", "text/csv; charset=utf-8"))
        .insert_header(("content-disposition", "attachment; filename=\"nexus-usage.csv\""))
        .body(used.csv()))
}

/// What one statement gives; everything on the page is a sum of it.
struct Used {
    buckets: Vec<UsageBucket>,
    zone: TimeZone,
    now: Timestamp,
    range: Range,
}

impl Used {
    async fn load(ctx: &Ctx) -> Result<Self, PageError> {
        let (now, range) =
            (ctx.now(), if ctx.has_range() { ctx.scope.range } else { Range::Month });
        let from = range
            .from(now)
            .or_else(|| now.checked_sub(jiff::SignedDuration::from_hours(24 * 365)).ok());
        let group = GroupBy { domain: true, account: true, model: true, request_type: true };
        let filter = ctx.usage_filter(from);
        let buckets =
            ctx.dashboard.deps.queries.list_usage(&filter, HOUR, group).await.map_err(store)?;
        Ok(Self { buckets, zone: ctx.zone(), now, range })
    }

    fn page(&self, ctx: &Ctx, accounts: &[AccountSummary]) -> UsagePage {
        let mut total = UsageTotals::default();
        for bucket in &self.buckets {
            total += bucket.totals;
        }
        let reported: Vec<_> =
            accounts.iter().flat_map(|account| account.windows.clone()).collect();
        let none = accounts.iter().filter(|account| account.windows.is_empty());
        let query = ctx.scope.query();
        UsagePage {
            windows: windows(&reported, ctx.scope.account(), self.now, false),
            unknown: none.map(|account| account.account_id.clone()).collect(),
            tokens: self.tokens(),
            cost: self.cost(),
            heat: self.heat(),
            sliding: self.sliding(),
            days: self.days(),
            models: self.by(|bucket| bucket.key.model.clone()),
            types: self.by(|bucket| bucket.key.request_type.map(|kind| kind.as_str().to_owned())),
            accounts: self.by(|bucket| bucket.key.account_id.clone()),
            domains: self.by(|bucket| bucket.key.domain.clone()),
            cache_share: total.tokens.cache_hit_rate(),
            saved_usd: self.saved(),
            total: sum("Total".into(), &total),
            zone: self.zone.iana_name().unwrap_or("UTC").into(),
            csv: if query.is_empty() { "/usage.csv".into() } else { format!("/usage.csv?{query}") },
        }
    }

    fn by(&self, name: impl Fn(&UsageBucket) -> Option<String>) -> Vec<Sum> {
        let mut sums: BTreeMap<String, UsageTotals> = BTreeMap::new();
        for bucket in &self.buckets {
            *sums.entry(name(bucket).unwrap_or_else(|| "unknown".into())).or_default() +=
                bucket.totals;
        }
        let mut sums: Vec<Sum> =
            sums.into_iter().map(|(name, totals)| sum(name, &totals)).collect();
        sums.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.name.cmp(&b.name)));
        let most = sums.first().map_or(1, |sum| sum.total).max(1);
        for sum in &mut sums {
            sum.share = float(sum.total) / float(most);
        }
        sums
    }

    fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    fn days(&self) -> Vec<Sum> {
        let mut sums: BTreeMap<Date, UsageTotals> = BTreeMap::new();
        for bucket in &self.buckets {
            *sums.entry(self.day(bucket.start)).or_default() += bucket.totals;
        }
        let most = sums.values().map(|totals| totals.tokens.total()).max().unwrap_or(1).max(1);
        let days = sums.into_iter().rev();
        days.map(|(day, totals)| Sum {
            share: float(totals.tokens.total()) / float(most),
            ..sum(day.to_string(), &totals)
        })
        .collect()
    }

    /// The course, cut as the range asks.
    fn course(&self) -> (Vec<UsageTotals>, Vec<String>) {
        let cut = Buckets::of(self.range, self.now);
        let (_, current) = cut.split(&self.buckets);
        (current, cut.labels(&self.zone))
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
            let at = bucket.start.to_zoned(self.zone.clone());
            let day = usize::from(at.weekday().to_monday_zero_offset().unsigned_abs());
            let hour = usize::from(at.hour().unsigned_abs());
            week[day][hour] += float(bucket.totals.requests);
        }
        chart::heat("Requests by hour of the week", &week, Unit::Count)
    }

    /// Tokens of the five hours before each hour of the last seven days.
    fn sliding(&self) -> Chart {
        let cut = Buckets::new(HOUR, 24 * 7, self.now);
        let (before, current) = cut.split(&self.buckets);
        let hours: Vec<f64> =
            before.iter().chain(&current).map(|t| float(t.tokens.total())).collect();
        let first = before.len();
        let values =
            (first..hours.len()).map(|at| hours[at.saturating_sub(4)..=at].iter().sum()).collect();
        chart::lines(&Data {
            title: "Tokens in the five hours before, over seven days".into(),
            unit: Unit::Count,
            series: vec![Series::new("Last 5 hours", values)],
            labels: cut.labels(&self.zone),
            limit: None,
        })
    }

    /// What the cache saved at list prices; unknown models add nothing.
    fn saved(&self) -> Option<f64> {
        let prices = nexus_messages::PriceTable::listed();
        let known = self.buckets.iter().filter_map(|bucket| {
            prices.saved(bucket.key.model.as_deref()?, &bucket.totals.tokens, bucket.start)
        });
        known.map(nexus_messages::Cost::usd).reduce(|sum, cost| sum + cost)
    }

    fn csv(&self) -> String {
        let mut rows: BTreeMap<(Date, String, String, String), UsageTotals> = BTreeMap::new();
        for bucket in &self.buckets {
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            let key = &bucket.key;
            let key = (
                self.day(bucket.start),
                text(&key.account_id),
                text(&key.domain),
                text(&key.model),
            );
            *rows.entry(key).or_default() += bucket.totals;
        }
        let mut out = String::from(
            "date,account,domain,model,requests,errors,input,output,cache_read,cache_written,cost_usd\n",
        );
        for ((day, account, domain, model), totals) in rows {
            let cost = totals.cost_usd().map(|cost| format!("{cost:.6}")).unwrap_or_default();
            let tokens = &totals.tokens;
            put(
                &mut out,
                format_args!(
                    "{day},{},{},{},{},{},{},{},{},{},{cost}\n",
                    cell(&account),
                    cell(&domain),
                    cell(&model),
                    totals.requests,
                    totals.errors,
                    tokens.input,
                    tokens.output,
                    tokens.cache_read,
                    tokens.cache_creation()
                ),
            );
        }
        out
    }
}

/// A text as a cell: quoted, and no formula for a spreadsheet to run.
fn cell(text: &str) -> String {
    let danger = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if danger { "'" } else { "" }, text.replace('"', "\"\""))
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

    #[test]
    fn a_cell_runs_no_formula() {
        assert_eq!(cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(cell("plain, text"), "\"plain, text\"");
    }
}
