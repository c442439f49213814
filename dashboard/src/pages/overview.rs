//! Overview: how things stand.

mod stats;

use std::collections::{BTreeMap, BTreeSet};

use actix_web::HttpResponse;
use jiff::Timestamp;
use nexus_store::queries::{
    AccountWindow, ConversationFilter, GroupBy, Paging, UsageFilter, UsageKey, UsageTotals,
};
use serde::Serialize;

use self::stats::{Course, Stat, stats, sum};
use super::{conversations::ConversationRow, flow::Flow, store};
use crate::{
    chart::{self, Chart, Data, Series, Unit},
    error::PageError,
    live::{Run, journals},
    view::{Buckets, Ctx, Fragment, GatewayAddress, Listed, Page, Place, Range, Scope, Window},
};

const CONVERSATIONS: u32 = 8;

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

/// The stream is asked while the store is.
async fn load(ctx: &Ctx) -> Result<Overview, PageError> {
    let (figures, flow) = tokio::join!(figures(ctx), trouble(ctx));
    Ok(Overview { flow, ..figures? })
}

async fn figures(ctx: &Ctx) -> Result<Overview, PageError> {
    let (queries, now) = (&ctx.dashboard.deps.queries, ctx.now());
    let range = ctx.range::<OverviewPage>();
    let from = range.from(now);
    let filter = ctx.usage_filter(from);
    let buckets = Buckets::of(range, now, &ctx.zone())?;
    let used = queries
        .list_usage_between(&filter, buckets.edges(), GroupBy::default())
        .await
        .map_err(store)?;
    // Told apart only where it is asked which accounts a domain used.
    let group = GroupBy { account: ctx.scope.domain().is_some(), ..GroupBy::default() };
    let sums = queries.sum_usage_by(&filter, group).await.map_err(store)?;
    let totals = sum(sums.values());
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
        windows: windows(&reported, &ctx.scope, &accounts(&sums), now, true),
        running: super::live::in_flight(ctx),
        is_empty: conversations.items.is_empty() && totals.requests == 0 && known.is_empty(),
        charts_year: range == Range::All,
        rows: conversations.items.into_iter().map(super::conversations::row).collect(),
        falling: known.falling.clone(),
        flow: None,
        gateway: ctx.gateway(),
    })
}

/// The pipeline, when something is wrong with it.
async fn trouble(ctx: &Ctx) -> Option<Flow> {
    let dashboard = &ctx.dashboard;
    let told = dashboard.last_told.find(&dashboard.deps.stream, ctx.now()).await?;
    let flow = Flow::of(told, journals(&dashboard.hub.instances.list()).as_ref());
    (!flow.healthy).then_some(flow)
}

/// As long a period before; nothing before all time.
fn before(filter: &UsageFilter, range: Range, now: Timestamp) -> UsageFilter {
    let from = range.length().and_then(|length| now.checked_sub(length * 2).ok());
    UsageFilter { from, to: Some(filter.from.unwrap_or(Timestamp::UNIX_EPOCH)), ..filter.clone() }
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

/// The accounts among the keys of sums.
pub(super) fn accounts(sums: &BTreeMap<UsageKey, UsageTotals>) -> BTreeSet<String> {
    sums.keys().filter_map(|key| key.account_id.clone()).collect()
}

/// The windows that the upstream reported, the fullest first; behind them those that were reset, the
/// latest first. They are the accounts': a domain has those of the accounts that it `used`. `brief` are
/// only the 5-hour and 7-day ones that run.
pub(super) fn windows(
    reported: &[AccountWindow],
    scope: &Scope,
    used: &BTreeSet<String>,
    now: Timestamp,
    brief: bool,
) -> Listed<Window> {
    let wanted = scope.account();
    let mut windows: Vec<Window> = reported
        .iter()
        .filter(|window| wanted.is_none_or(|id| id == window.account_id))
        .filter(|window| scope.domain().is_none() || used.contains(&window.account_id))
        .filter(|window| !brief || Window::is_long(window))
        .map(|window| Window::of(window, now))
        .filter(|window| !brief || !window.is_over)
        .collect();
    let share = |window: &Window| window.utilization.unwrap_or(-1.0);
    windows.sort_by(|a, b| match (a.is_over, b.is_over) {
        (true, true) => b.resets_at.cmp(&a.resets_at),
        (false, false) => share(b).total_cmp(&share(a)),
        (a, b) => a.cmp(&b),
    });
    let most = if wanted.is_some() { windows.len() } else { WINDOWS };
    Listed::of(windows, most)
}

#[expect(clippy::cast_precision_loss, reason = "figures for display")]
pub(super) const fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(account: &str) -> AccountWindow {
        AccountWindow {
            account_id: account.into(),
            name: "unified-5h".into(),
            utilization: Some(0.5),
            limit: None,
            remaining: None,
            resets_at: None,
            status: None,
            reported_at: Timestamp::UNIX_EPOCH,
        }
    }

    /// Whose windows are shown in the scope of a domain that used `acc_b` and `acc_c`.
    fn shown(domain: Option<&str>, account: Option<&str>) -> Vec<String> {
        let scope = Scope {
            domain: domain.map(str::to_owned),
            account: account.map(str::to_owned),
            range: None,
        };
        let used = BTreeSet::from(["acc_b", "acc_c"].map(str::to_owned));
        let reported = ["acc_a", "acc_b"].map(reported);
        let windows = windows(&reported, &scope, &used, Timestamp::UNIX_EPOCH, true);
        windows.rows.into_iter().map(|window| window.account_id).collect()
    }

    #[test]
    fn a_domain_has_the_windows_of_the_accounts_that_it_used() {
        assert_eq!(shown(None, None), ["acc_a", "acc_b"]);
        assert_eq!(shown(Some("b.example"), None), ["acc_b"]);
        assert_eq!(shown(None, Some("acc_a")), ["acc_a"]);
        assert!(shown(Some("b.example"), Some("acc_a")).is_empty());
    }

    #[test]
    fn windows_that_were_reset_come_last_and_the_latest_first() {
        let instant = |second| Timestamp::from_second(second).expect("valid");
        let resetting = |account: &str, second| AccountWindow {
            resets_at: Some(instant(second)),
            ..reported(account)
        };
        let all = [resetting("old", 10), resetting("late", 90), resetting("runs", 200)];
        let scope = Scope { domain: None, account: None, range: None };
        let windows = windows(&all, &scope, &BTreeSet::new(), instant(100), false);
        let order: Vec<_> = windows.rows.iter().map(|window| window.account_id.as_str()).collect();
        assert_eq!(order, ["runs", "late", "old"]);
    }
}
