//! Token usage: windows, days, hours.

use std::collections::BTreeMap;

use actix_web::web::Data;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use nexus_store::queries::{AccountWindow, GroupBy, UsageBucket, UsageFilter, UsageTotals};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    answer::{Answer, json},
    params::Params,
    sliding, stats,
};
use crate::{deps::Dashboard, error::PageError};

/// Five hours, the window of subscriptions.
const WINDOW: u32 = 300;
const QUARTER: u32 = 15;
const HOUR: u32 = 60;
/// A year of quarters, and some days.
const MAX_STEPS: i64 = 36_000;

/// `/api/token-usage/current`.
pub async fn current(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let minutes = params.number("window", 1..=60 * 24 * 31, WINDOW)?;
    let now = dashboard.deps.clock.now();
    let start = now - i64::from(minutes).minutes();
    let filter = UsageFilter { from: Some(start), to: None, ..stats::filter(&params)? };
    let totals = dashboard.deps.queries.sum_usage(&filter).await?;
    let mut windows = dashboard.deps.queries.list_windows().await?;
    windows.retain(|window| filter.account_id.as_ref().is_none_or(|id| *id == window.account_id));
    let mut answer = json!(totals);
    answer["windowStart"] = json!(start);
    answer["windowEnd"] = json!(now);
    answer["windowMinutes"] = minutes.into();
    answer["accountId"] = json!(filter.account_id);
    answer["reportedWindows"] = json!(windows);
    json(&answer)
}

/// `/api/token-usage/daily`.
pub async fn daily(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let usage = days(&dashboard, &params).await?;
    json(&Days { usage, tz: params.text("tz").unwrap_or("UTC") })
}

// Answers of many rows are written as they are; a `Value` of each would take longer than the sums.

#[derive(Serialize)]
struct Days<'a> {
    usage: Vec<Day>,
    tz: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Day {
    #[serde(flatten)]
    totals: UsageTotals,
    date: Date,
    account_id: Option<String>,
    domain: Option<String>,
    model: Option<String>,
}

impl Day {
    fn of(sum: UsageBucket, zone: &TimeZone) -> Self {
        let UsageBucket { start, key, totals } = sum;
        Self {
            totals,
            date: start.to_zoned(zone.clone()).date(),
            account_id: key.account_id,
            domain: key.domain,
            model: key.model,
        }
    }
}

/// One row per day in the zone, and per account, domain and model unless they are aggregated.
pub async fn days(dashboard: &Dashboard, params: &Params) -> Result<Vec<Day>, PageError> {
    let days = params.number("days", 1..=3_660, 30)?;
    let zone = params.zone()?;
    let all = !params.flag("aggregate")?;
    let today = dashboard.deps.clock.now().to_zoned(zone.clone()).date();
    let first = today.checked_sub((i64::from(days) - 1).days()).map_err(PageError::internal)?;
    // Tomorrow too: the clock of a gateway may be ahead.
    let end = today.checked_add(2.days()).map_err(PageError::internal)?;
    let midnights = first.series(1.day()).take_while(|day| *day <= end);
    let midnights =
        midnights.map(|day| midnight(day, &zone)).collect::<Result<Vec<_>, PageError>>()?;
    let group = GroupBy { domain: all, account: all, model: all, request_type: false };
    let queries = &dashboard.deps.queries;
    let sums = queries.list_usage_between(&stats::filter(params)?, &midnights, group).await?;
    Ok(sums.into_iter().map(|sum| Day::of(sum, &zone)).collect())
}

/// `/api/token-usage/time-series`.
pub async fn time_series(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let (filter, bucket_minutes) = series(&dashboard, &params, QUARTER)?;
    let group = GroupBy { account: params.flag("byAccount")?, ..GroupBy::default() };
    let series = dashboard.deps.queries.list_usage(&filter, bucket_minutes, group).await?;
    json(&Course { bucket_minutes, from: filter.from, to: filter.to, series })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Course {
    bucket_minutes: u32,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    series: Vec<UsageBucket>,
}

/// `/api/usage/requests/hourly` and `/api/usage/tokens/hourly`.
pub async fn hourly(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let (filter, _) = series(&dashboard, &params, HOUR)?;
    let hours = dashboard.deps.queries.list_usage(&filter, HOUR, GroupBy::default()).await?;
    json(&Hourly { from: filter.from, to: filter.to, hours })
}

#[derive(Serialize)]
struct Hourly {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    hours: Vec<UsageBucket>,
}

/// `/api/token-usage/accounts`: each account's current window, and what the upstream reported.
pub async fn accounts(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let minutes = params.number("window", 1..=60 * 24 * 31, WINDOW)?;
    let now = dashboard.deps.clock.now();
    let from = now - i64::from(minutes).minutes();
    let filter = UsageFilter { from: Some(from), to: None, ..stats::filter(&params)? };
    let group = GroupBy { account: true, ..GroupBy::default() };
    let sums = dashboard.deps.queries.sum_usage_by(&filter, group).await?;
    let windows = dashboard.deps.queries.list_windows().await?;
    let mut accounts: BTreeMap<String, UsageTotals> = BTreeMap::new();
    for window in &windows {
        accounts.entry(window.account_id.clone()).or_default();
    }
    for (key, totals) in sums {
        let Some(account) = key.account_id else { continue };
        *accounts.entry(account).or_default() += totals;
    }
    let rows: Vec<_> = accounts.into_iter().map(|row| account_row(row, &windows)).collect();
    json(&json!({"windowStart": from, "windowEnd": now, "accounts": rows}))
}

fn account_row((account, totals): (String, UsageTotals), windows: &[AccountWindow]) -> Value {
    let reported: Vec<_> = windows.iter().filter(|window| window.account_id == account).collect();
    let mut row = json!(totals);
    row["reportedWindows"] = json!(reported);
    row["accountId"] = account.into();
    row
}

/// `/api/analytics/token-usage/sliding-window`.
pub async fn sliding_window(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let window = params.read("window", "a multiple of 15 up to 44640", multiple_of_15(44_640))?;
    let window = window.unwrap_or(WINDOW);
    let (filter, step) = series(&dashboard, &params, QUARTER)?;
    // Whole buckets fill every window.
    let width =
        if step.is_multiple_of(HOUR) && window.is_multiple_of(HOUR) { HOUR } else { QUARTER };
    let window = i64::from(window);
    let to = filter.to.unwrap_or(dashboard.deps.clock.now());
    let from = filter.from.unwrap_or(to);
    if to.duration_since(from).as_secs() / 60 / i64::from(step) > MAX_STEPS {
        let most =
            format!("`from` lies too far back: at most {MAX_STEPS} steps of `bucket` minutes");
        return Err(PageError::BadRequest(most));
    }
    let early =
        UsageFilter { from: Some(floor(from - window.minutes(), i64::from(width))), ..filter };
    let buckets = dashboard.deps.queries.list_usage(&early, width, GroupBy::default()).await?;
    let series = sliding::sums(&buckets, from, to, step.into(), window);
    json(&Sliding { window_minutes: window, bucket_minutes: step, series })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sliding {
    window_minutes: i64,
    bucket_minutes: u32,
    series: Vec<sliding::Step>,
}

/// From `days` ago (7) or `from`, up to `to` or now, in buckets of `bucket` minutes.
fn series(
    dashboard: &Dashboard,
    params: &Params,
    usual: u32,
) -> Result<(UsageFilter, u32), PageError> {
    let filter = stats::filter(params)?;
    let days = params.number("days", 1..=366, 7)?;
    let width = params.read("bucket", "a multiple of 15 up to 1440", multiple_of_15(1_440))?;
    let width = width.unwrap_or(usual);
    let to = filter.to.unwrap_or(dashboard.deps.clock.now());
    let from = filter.from.unwrap_or(to - (i64::from(days) * 24).hours());
    if from > to {
        return Err(PageError::BadRequest("`from` must be before `to`".into()));
    }
    let from = floor(from, i64::from(width));
    Ok((UsageFilter { from: Some(from), to: Some(to), ..filter }, width))
}

/// Reads minutes that whole buckets fill.
fn multiple_of_15(max: u32) -> impl Fn(&str) -> Option<u32> {
    move |value| {
        let minutes = value.parse().ok();
        minutes.filter(|minutes| (15..=max).contains(minutes) && minutes % 15 == 0)
    }
}

/// The start of the bucket that holds `instant`.
fn floor(instant: Timestamp, minutes: i64) -> Timestamp {
    let width = minutes * 60;
    let second = instant.as_second().div_euclid(width) * width;
    Timestamp::from_second(second).unwrap_or(instant)
}

/// When a day begins in a zone.
pub fn midnight(day: Date, zone: &TimeZone) -> Result<Timestamp, PageError> {
    Ok(day.to_zoned(zone.clone()).map_err(PageError::internal)?.timestamp())
}
