use jiff::SignedDuration;
use nexus_messages::{Cost, Tokens};

use super::*;
use crate::{
    assets::Assets,
    pages::overview::WINDOWS,
    view::{Chrome, Views},
};

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
    let all = span(Range::All, "Asia/Kathmandu");
    assert_eq!((all.minutes, all.from), (15, all.cut.start()));
    let buckets = vec![bucket("2026-11-22T19:15:00Z", 1), bucket("2026-11-22T20:00:00Z", 2)];
    let (course, _) = Used { buckets, span: &hour }.course();
    assert_eq!(course.iter().map(|totals| totals.requests).collect::<Vec<_>>(), [1, 0, 0, 2]);
}

/// A year without a quiet hour, of more names than a page lists.
fn crowded() -> UsagePage {
    let span = span(Range::All, "UTC", at("2026-11-22T20:05:00Z"));
    let tokens = Tokens {
        input: 987_654_321,
        output: 123_456_789,
        cache_read: 87_654_321_098,
        cache_creation_5m: 7_654_321_098,
        ..Tokens::default()
    };
    let cost = Cost(654_321_098_765);
    let totals =
        UsageTotals { requests: 1_234_567, tokens, cost, unpriced: 3, ..UsageTotals::default() };
    let hours = (0..364 * 24).map(|hour| span.from + SignedDuration::from_hours(hour));
    let buckets = hours.map(|start| UsageBucket { start, key: <_>::default(), totals });
    let used = Used { buckets: buckets.collect(), span: &span };
    let names = |word: &str, count: u32| {
        named_sums(
            (0..count).map(|n| (Some(format!("{word}-{n:02}.of-the-company.example")), totals)),
        )
    };
    UsagePage {
        windows: Listed::of(vec![Window::sample(); 40], WINDOWS),
        unknown: Listed::of((0..40).map(|n| format!("acc_{n}")).collect(), NAMES),
        tokens: used.tokens(),
        cost: used.cost(),
        heat: used.heat(),
        sliding: Week::sample().sliding(),
        days: used.days(),
        models: names("model", 40),
        types: names("type", 5),
        accounts: names("account", 40),
        domains: names("domain", 40),
        total: sum("Total".into(), &totals),
        csv: "/usage.csv?range=all".into(),
        ..UsagePage::default()
    }
}

#[test]
fn a_crowded_year_fits_the_budget_and_says_where_the_rest_is() {
    let assets = Assets::load().expect("built");
    let views = Views::load(&assets).expect("valid templates");
    let html = views.render(&crowded(), &Chrome::sample(Place::Usage)).expect("a page");
    let elements = html
        .as_bytes()
        .windows(2)
        .filter(|two| two[0] == b'<' && two[1].is_ascii_alphabetic())
        .count();
    assert!(elements <= 3_000 && html.len() <= 150 * 1024, "{elements}, {} bytes", html.len());
    assert!(elements > 1_000, "{elements}: the charts are there");
    assert_eq!(html.matches("30 more are not listed").count(), 3, "names");
    assert!(html.contains("333 more are not listed"), "days");
    assert_eq!(html.matches(">All as CSV</a>").count(), 4);
}

#[test]
fn a_table_says_what_it_leaves_out() {
    let names = |count: u32| (0..count).map(|n| (Some(format!("d{n}")), UsageTotals::default()));
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
    let days: Vec<_> = used.days().rows.into_iter().map(|day| (day.name, day.requests)).collect();
    assert_eq!(days, [("2026-11-23".to_owned(), 2), ("2026-11-22".to_owned(), 1)]);
    let (course, labels) = used.course();
    assert_eq!((course.len(), labels[29].as_str(), labels[28].as_str()), (30, "Nov 23", "Nov 22"));
    assert_eq!((course[29].requests, course[28].requests), (2, 1));
}
