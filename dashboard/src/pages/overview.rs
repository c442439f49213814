//! Overview: how things stand.

use actix_web::HttpResponse;
use jiff::Timestamp;
use nexus_store::queries::{
    AccountWindow, Activity, ConversationFilter, GroupBy, Latency, Paging, Timing, UsageFilter,
    UsageTotals,
};
use serde::Serialize;

use super::{conversations::ConversationRow, flow::Flow, store};
use crate::{
    chart::{self, Chart, Data, Series, Unit},
    error::PageError,
    live::{Run, journals},
    view::{Buckets, Ctx, Fragment, GatewayAddress, Listed, Page, Place, Range, Window},
};

const CONVERSATIONS: u32 = 8;

/// One figure with its change and course.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Stat {
    pub label: &'static str,
    pub value: f64,
    /// How the template writes it: `num`, `usd`, `ms`, `percent`.
    pub form: &'static str,
    /// It is a lower bound, or not known at all.
    pub known: bool,
    pub note: String,
    /// Against the period before, as a share; `None` when there is nothing to compare with.
    pub change: Option<f64>,
    /// More of it is worse.
    pub bad_up: bool,
    pub spark: String,
}

/// The part that lives.
#[derive(Debug, Default, Serialize)]
pub struct Overview {
    pub stats: Vec<Stat>,
    pub requests: Chart,
    pub tokens: Chart,
    pub windows: Listed<Window>,
    pub running: Vec<Run>,
    pub rows: Vec<ConversationRow>,
    pub is_empty: bool,
    /// The figures are of all time, the charts of its last year.
    pub charts_year: bool,
    /// Versions of clients whose link rate or agreement dropped.
    pub falling: Vec<String>,
    /// The pipeline, when something is wrong with it.
    pub flow: Option<Flow>,
    pub gateway: GatewayAddress,
}

/// The page.
#[derive(Debug, Serialize)]
pub struct OverviewPage {
    pub overview: Overview,
}

impl Fragment for OverviewPage {
    const TEMPLATE: &'static str = "overview.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let full = Overview {
            stats: vec![
                Stat {
                    label: "Requests",
                    value: 12.0,
                    form: "num",
                    known: true,
                    change: Some(0.5),
                    ..Stat::default()
                },
                Stat {
                    label: "Cost",
                    form: "usd",
                    change: Some(-0.5),
                    bad_up: true,
                    ..Stat::default()
                },
            ],
            windows: Listed::of(vec![Window::sample(); 2], 1),
            running: vec![Run::sample()],
            rows: vec![super::conversations::row(super::conversations::sample())],
            falling: vec!["<b>/1".into()],
            flow: Some(Flow { error: Some("<b>".into()), ..Flow::default() }),
            charts_year: true,
            ..Overview::default()
        };
        vec![
            Self { overview: full },
            Self {
                overview: Overview {
                    is_empty: true,
                    flow: Some(Flow { error: Some("<b>".into()), ..Flow::default() }),
                    ..Overview::default()
                },
            },
        ]
    }
}

impl Page for OverviewPage {
    const PLACE: Place = Place::Overview;

    fn title(&self) -> String {
        "Overview".into()
    }
}

/// What htmx fetches anew.
#[derive(Debug, Serialize)]
pub struct OverviewFragment {
    overview: Overview,
}

impl Fragment for OverviewFragment {
    const TEMPLATE: &'static str = "fragments/overview.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        OverviewPage::samples().into_iter().map(|page| Self { overview: page.overview }).collect()
    }
}

/// `GET /`
pub async fn page(ctx: Ctx) -> Result<HttpResponse, PageError> {
    let overview = load(&ctx).await?;
    ctx.page(&OverviewPage { overview }).await
}

/// `GET /fragments/overview`
pub async fn fragment(ctx: Ctx) -> Result<HttpResponse, PageError> {
    let overview = load(&ctx).await?;
    ctx.fragment(&OverviewFragment { overview })
}

async fn load(ctx: &Ctx) -> Result<Overview, PageError> {
    let (queries, now) = (&ctx.dashboard.deps.queries, ctx.now());
    let range = ctx.range::<OverviewPage>();
    let from = range.from(now);
    let filter = ctx.usage_filter(from);
    let buckets = Buckets::of(range, now, &ctx.zone())?;
    let used = queries
        .list_usage_between(&filter, buckets.edges(), GroupBy::default())
        .await
        .map_err(store)?;
    let totals = queries.sum_usage(&filter).await.map_err(store)?;
    let before = before(&filter, range, now);
    let activity =
        queries.sample_activity(&filter, &before, buckets.period()).await.map_err(store)?;
    let reported = queries.list_windows().await.map_err(store)?;
    let paging = Paging { limit: CONVERSATIONS, ..Paging::default() };
    let newest = ConversationFilter {
        domain: ctx.scope.domain().map(str::to_owned),
        account_id: ctx.scope.account().map(str::to_owned),
        ..ConversationFilter::default()
    };
    let conversations = queries.list_conversations(&newest, &paging).await.map_err(store)?;
    let known = ctx.dashboard.names.known(queries, now).await?;
    let (past, current) = buckets.split(&used);
    let course = Course { buckets: &buckets, current: &current };
    Ok(Overview {
        stats: stats(&totals, &sum(&past), from.is_some(), &course, &activity),
        requests: requests_chart(&buckets, &current),
        tokens: tokens_chart(&buckets, &current),
        windows: windows(&reported, ctx.scope.account(), now, true),
        running: super::live::in_flight(ctx),
        is_empty: conversations.items.is_empty() && totals.requests == 0 && known.is_empty(),
        charts_year: range == Range::All,
        rows: conversations.items.into_iter().map(super::conversations::row).collect(),
        falling: known.falling.clone(),
        flow: trouble(ctx),
        gateway: ctx.gateway(),
    })
}

/// The pipeline, when something is wrong with it. No figure waits for the stream to tell.
fn trouble(ctx: &Ctx) -> Option<Flow> {
    let dashboard = &ctx.dashboard;
    let told = dashboard.last_told.find(&dashboard.deps.stream, ctx.now())?;
    let flow = Flow::of(told, journals(&dashboard.hub.instances.list()).as_ref());
    (!flow.healthy).then_some(flow)
}

/// As long a period before; nothing before all time.
fn before(filter: &UsageFilter, range: Range, now: Timestamp) -> UsageFilter {
    let from = range.length().and_then(|length| now.checked_sub(length * 2).ok());
    UsageFilter { from, to: Some(filter.from.unwrap_or(Timestamp::UNIX_EPOCH)), ..filter.clone() }
}

/// The period, stretch by stretch.
struct Course<'a> {
    buckets: &'a Buckets,
    current: &'a [UsageTotals],
}

impl Course<'_> {
    fn spark(&self, of: fn(&UsageTotals) -> f64) -> String {
        chart::spark(&self.current.iter().map(of).collect::<Vec<_>>())
    }

    /// The median of what was measured in each stretch; where nothing was, the one before, and before
    /// the first that one: no stretch took 0 ms.
    fn medians(&self, timings: &[Timing], of: fn(&Timing) -> Option<u64>) -> String {
        let mut stretches = vec![Vec::new(); self.buckets.count];
        for timing in timings {
            if let Some(stretch) = self.buckets.place(timing.at) {
                stretches[stretch].push(of(timing));
            }
        }
        let medians: Vec<_> =
            stretches.into_iter().map(|values| Latency::of(values).p50_ms).collect();
        let mut last = medians.iter().flatten().next().copied().unwrap_or(0);
        let course = medians.into_iter().map(|median| {
            last = median.unwrap_or(last);
            float(last)
        });
        chart::spark(&course.collect::<Vec<_>>())
    }
}

fn sum(buckets: &[UsageTotals]) -> UsageTotals {
    buckets.iter().fold(UsageTotals::default(), |mut sum, totals| {
        sum += *totals;
        sum
    })
}

fn stats(
    totals: &UsageTotals,
    before: &UsageTotals,
    compares: bool,
    course: &Course<'_>,
    activity: &Activity,
) -> Vec<Stat> {
    let counted = |label, bad_up, of: fn(&UsageTotals) -> f64| Stat {
        label,
        value: of(totals),
        form: "num",
        known: true,
        change: change(of(totals), of(before)).filter(|_| compares),
        bad_up,
        spark: course.spark(of),
        ..Stat::default()
    };
    let (now, past) = (&activity.now, &activity.before);
    let hit = totals.tokens.cache_hit_rate();
    vec![
        counted("Requests", false, |t| float(t.requests)),
        Stat {
            label: "Active conversations",
            value: float(now.conversations),
            form: "num",
            known: true,
            change: change(float(now.conversations), float(past.conversations))
                .filter(|_| compares),
            spark: chart::spark(&activity.course.iter().copied().map(float).collect::<Vec<_>>()),
            ..Stat::default()
        },
        Stat {
            form: "usd",
            known: totals.cost_usd().is_some(),
            note: if totals.unpriced > 0 {
                format!("{} without a known price", totals.unpriced)
            } else {
                String::new()
            },
            ..counted("Cost", true, |t| t.cost.usd())
        },
        counted("Errors", true, |t| float(t.errors)),
        latency_stat("First token, median", course, activity, |timing| timing.first_token_ms),
        counted("Input tokens", false, |t| float(t.tokens.input)),
        counted("Output tokens", false, |t| float(t.tokens.output)),
        counted("Read from cache", false, |t| float(t.tokens.cache_read)),
        Stat {
            label: "Cache hit rate",
            value: hit.unwrap_or(0.0),
            form: "percent",
            known: hit.is_some(),
            change: hit
                .zip(before.tokens.cache_hit_rate())
                .and_then(|(now, before)| change(now, before))
                .filter(|_| compares),
            spark: course.spark(|t| t.tokens.cache_hit_rate().unwrap_or(0.0)),
            ..Stat::default()
        },
        latency_stat("Duration, median", course, activity, |timing| timing.duration_ms),
    ]
}

fn latency_stat(
    label: &'static str,
    course: &Course<'_>,
    activity: &Activity,
    of: fn(&Timing) -> Option<u64>,
) -> Stat {
    let now = Latency::of(activity.now.timings.iter().map(of));
    let past = Latency::of(activity.before.timings.iter().map(of));
    let p95 = now.p95_ms.map(|p95| format!("p95 {}", crate::view::format::duration(float(p95))));
    Stat {
        label,
        value: float(now.p50_ms.unwrap_or(0)),
        form: "ms",
        known: now.p50_ms.is_some(),
        note: p95.unwrap_or_default(),
        change: now.p50_ms.zip(past.p50_ms).and_then(|(now, past)| change(float(now), float(past))),
        bad_up: true,
        spark: course.medians(&activity.now.timings, of),
    }
}

fn change(now: f64, before: f64) -> Option<f64> {
    (before > 0.0).then(|| now / before - 1.0)
}

fn requests_chart(buckets: &Buckets, course: &[UsageTotals]) -> Chart {
    let well = course.iter().map(|t| float(t.requests.saturating_sub(t.errors))).collect();
    let errors = course.iter().map(|t| float(t.errors)).collect();
    chart::bars(&Data {
        title: "Requests over time".into(),
        unit: Unit::Count,
        series: vec![Series::new("Completed", well), Series::bad("Errors", errors)],
        labels: buckets.labels(),
        limit: None,
    })
}

fn tokens_chart(buckets: &Buckets, course: &[UsageTotals]) -> Chart {
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
        labels: buckets.labels(),
        limit: None,
    })
}

/// Windows that a page lists until an account is chosen, which shows all of its own.
pub(super) const WINDOWS: usize = 8;

/// The windows that the upstream reported, the fullest first and those that were reset last. `brief`
/// are only the 5-hour and 7-day ones that run.
pub(super) fn windows(
    reported: &[AccountWindow],
    wanted: Option<&str>,
    now: Timestamp,
    brief: bool,
) -> Listed<Window> {
    let mut windows: Vec<Window> = reported
        .iter()
        .filter(|window| wanted.is_none_or(|id| id == window.account_id))
        .filter(|window| !brief || Window::is_long(window))
        .map(|window| Window::of(window, now))
        .filter(|window| !brief || !window.is_over)
        .collect();
    let used = |window: &Window| window.utilization.unwrap_or(-1.0);
    windows.sort_by(|a, b| a.is_over.cmp(&b.is_over).then_with(|| used(b).total_cmp(&used(a))));
    let most = if wanted.is_some() { windows.len() } else { WINDOWS };
    Listed::of(windows, most)
}

#[expect(clippy::cast_precision_loss, reason = "figures for display")]
pub(super) const fn float(value: u64) -> f64 {
    value as f64
}
