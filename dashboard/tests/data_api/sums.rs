//! Numbers and lists against a recount of what was generated.

use std::collections::{BTreeMap, HashSet};

use actix_web::http::StatusCode;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use nexus_contract::TerminalState;
use nexus_messages::{Cost, PriceTable, Tokens, Usage};
use nexus_scripted::generate::Exchange;
use nexus_store::{store_tests, testing::TestStore};
use serde_json::Value;

use crate::fixture::{Fixture, filled, filled_until};

fn tokens(exchange: &Exchange) -> Tokens {
    exchange.usage.as_deref().map(|usage| Usage::from_json(usage).tokens()).unwrap_or_default()
}

/// By the price list; `None` where it does not know the model, or nothing was used.
fn cost(exchange: &Exchange, prices: &PriceTable) -> Option<Cost> {
    let usage = Usage::from_json(exchange.usage.as_deref()?);
    let request: Value = serde_json::from_slice(&exchange.request).expect("JSON");
    prices.cost(request["model"].as_str()?, &usage, exchange.at)
}

#[derive(Default)]
pub struct Recount {
    requests: u64,
    errors: u64,
    tokens: Tokens,
    cost: Cost,
    unpriced: u64,
}

pub fn recount<'a>(sent: impl IntoIterator<Item = &'a Exchange>) -> Recount {
    let prices = PriceTable::listed();
    sent.into_iter().fold(Recount::default(), |sum, one| {
        let (tokens, cost) = (tokens(one), cost(one, &prices));
        let is_unpriced = cost.is_none() && tokens.input + tokens.output > 0;
        Recount {
            requests: sum.requests + 1,
            errors: sum.errors + u64::from(one.state != TerminalState::Completed),
            tokens: sum.tokens + tokens,
            cost: Cost(sum.cost.0 + cost.unwrap_or_default().0),
            unpriced: sum.unpriced + u64::from(is_unpriced),
        }
    })
}

#[track_caller]
pub fn same(answer: &Value, Recount { requests, errors, tokens, cost, unpriced }: Recount) {
    let found = |name: &str| answer[name].as_u64().unwrap_or_else(|| panic!("{name}: {answer}"));
    assert_eq!(found("totalRequests"), requests, "requests");
    assert_eq!(found("errorCount"), errors, "errors");
    assert_eq!(found("totalInputTokens"), tokens.input);
    assert_eq!(found("totalOutputTokens"), tokens.output);
    assert_eq!(found("totalCacheReadTokens"), tokens.cache_read);
    assert_eq!(found("totalCacheCreationTokens"), tokens.cache_creation());
    assert_eq!(found("unpricedRequests"), unpriced, "requests without a price");
    // Of nothing that has a price, the cost is unknown.
    let usd = (cost.0 != 0 || unpriced == 0).then(|| cost.usd());
    let found = answer["costUsd"].as_f64();
    assert_eq!(found.is_some(), usd.is_some(), "cost");
    let apart = found.unwrap_or_default() - usd.unwrap_or_default();
    assert!(apart.abs() < 5e-10, "cost {found:?}, not {usd:?}");
}

async fn sums_are_those_of_a_recount(store: TestStore) {
    let fixture = filled(store).await;
    let sent = &fixture.sent;
    same(&fixture.json("/api/stats").await, recount(sent));
    let domain = &sent[0].domain;
    let of_domain = recount(sent.iter().filter(|one| one.domain == *domain));
    same(&fixture.json(&format!("/api/stats?domain={domain}")).await, of_domain);
    for minutes in [7, 300, 1_000] {
        let start = fixture.now - i64::from(minutes).minutes();
        let expected = recount(sent.iter().filter(|one| one.at >= start));
        let address = format!("/api/token-usage/current?window={minutes}");
        same(&fixture.json(&address).await, expected);
    }
}

async fn the_recount_knows_prices(store: TestStore) {
    let fixture = filled(store).await;
    assert!(recount(&fixture.sent).cost.0 > 0, "the price list knows the generated models");
    let stats = fixture.json("/api/stats").await;
    assert!(stats["costUsd"].as_f64().is_some_and(|usd| usd > 0.0), "{stats}");
}

async fn days_are_those_of_the_zone(store: TestStore) {
    let fixture = filled(store).await;
    for name in ["UTC", "Asia/Kathmandu", "America/Los_Angeles"] {
        days_are_those_of(&fixture, name).await;
    }
}

/// The first of November has 25 hours in Los Angeles, and its midnights are an hour apart from one
/// another by UTC.
async fn days_are_right_where_the_clock_changes(store: TestStore) {
    let fixture = filled_until(store, "2026-11-02T12:00:00Z").await;
    for name in ["America/Los_Angeles", "Australia/Lord_Howe"] {
        days_are_those_of(&fixture, name).await;
    }
}

async fn days_are_those_of(fixture: &Fixture, name: &str) {
    let zone = TimeZone::get(name).expect("a zone");
    let mut days: BTreeMap<String, Vec<&Exchange>> = BTreeMap::new();
    for one in &fixture.sent {
        days.entry(one.at.to_zoned(zone.clone()).date().to_string()).or_default().push(one);
    }
    let address = format!("/api/token-usage/daily?days=30&aggregate=true&tz={name}");
    let answer = fixture.json(&address).await;
    let rows = answer["usage"].as_array().expect("rows");
    assert_eq!(rows.len(), days.len(), "{name}");
    for (row, (day, sent)) in rows.iter().zip(days) {
        assert_eq!(row["date"], day);
        same(row, recount(sent));
    }
}

/// One row per account, domain and model; together they are the day, and the file holds the same rows.
async fn the_export_holds_the_daily_sums(store: TestStore) {
    let fixture = filled(store).await;
    for zone in ["UTC", "Asia/Kathmandu"] {
        let daily = fixture.json(&format!("/api/token-usage/daily?days=7&tz={zone}")).await;
        let rows = daily["usage"].as_array().expect("rows");
        let address = format!("/api/token-usage/export?days=7&tz={zone}");
        let (_, lines) = fixture.get(&format!("{address}&format=jsonl")).await;
        let exported: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(exported, *rows, "{zone}");
        let (_, csv) = fixture.get(&address).await;
        assert_eq!(csv.lines().count(), rows.len() + 1, "{zone}");
        let address = format!("/api/token-usage/daily?days=7&aggregate=true&tz={zone}");
        let days = fixture.json(&address).await;
        let days = days["usage"].as_array().expect("days");
        assert!(rows.len() > days.len(), "{} rows of {} days", rows.len(), days.len());
        for day in days {
            let of_day = rows.iter().filter(|row| row["date"] == day["date"]);
            let sum: u64 = of_day.filter_map(|row| row["totalTokens"].as_u64()).sum();
            assert_eq!(Some(sum), day["totalTokens"].as_u64(), "{zone} {day}");
        }
    }
}

/// A window starts anew when its newest report says so.
async fn windows_are_those_last_reported(store: TestStore) {
    const RESET: &str = "anthropic-ratelimit-unified-5h-reset";
    let fixture = filled(store).await;
    let accounts: HashSet<_> = fixture.sent.iter().map(|one| &one.account_id).collect();
    for account in accounts {
        let of_account = fixture.sent.iter().filter(|one| one.account_id == *account);
        let newest = of_account.max_by_key(|one| one.at).expect("an exchange");
        let (_, reset) =
            newest.response_headers.iter().find(|(name, _)| name == RESET).expect("a header");
        let reset = Timestamp::from_second(reset.parse().expect("seconds")).expect("an instant");
        let answer = fixture.json(&format!("/api/token-usage/current?accountId={account}")).await;
        let windows = answer["reportedWindows"].as_array().expect("windows");
        assert_eq!(windows.len(), 1, "{answer}");
        assert_eq!(windows[0]["name"], "unified-5h");
        assert_eq!(instant(&windows[0]["resetsAt"]), reset, "{account}");
        assert_eq!(instant(&windows[0]["reportedAt"]), newest.at, "{account}");
    }
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().expect("a time").parse().expect("a time")
}

async fn a_sliding_sum_of_too_many_steps_is_refused(store: TestStore) {
    let fixture = filled(store).await;
    let address = "/api/analytics/token-usage/sliding-window?bucket=15&from=";
    let (status, body) = fixture.get(&format!("{address}2000-01-01")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    assert!(body.contains("`from`"), "{body}");
    let (status, _) = fixture.get(&format!("{address}2026-01-01")).await;
    assert_eq!(status, StatusCode::OK);
}

async fn a_sliding_sum_is_right_from_its_first_step(store: TestStore) {
    let fixture = filled(store).await;
    for (window, bucket) in [(300_i64, 60), (105, 60), (300, 45)] {
        let address = format!(
            "/api/analytics/token-usage/sliding-window?days=1&window={window}&bucket={bucket}"
        );
        let answer = fixture.json(&address).await;
        let steps = answer["series"].as_array().expect("steps");
        assert!(steps.len() >= 24, "{} steps", steps.len());
        for step in steps {
            let end: jiff::Timestamp =
                step["time"].as_str().expect("a time").parse().expect("a time");
            let start = end - window.minutes();
            same(step, recount(fixture.sent.iter().filter(|one| one.at >= start && one.at < end)));
        }
    }
}

async fn pages_give_each_request_once_and_in_order(store: TestStore) {
    let fixture = filled(store).await;
    for sort in ["time", "duration"] {
        let found = walk(&fixture, &format!("/api/requests?limit=7&sort={sort}")).await;
        let ids: HashSet<_> = found.iter().map(|one| one["requestId"].to_string()).collect();
        assert_eq!((found.len(), ids.len()), (fixture.sent.len(), fixture.sent.len()), "{sort}");
        let field = if sort == "time" { "timestamp" } else { "durationMs" };
        let in_order = |pair: &[Value]| match sort {
            "time" => pair[0][field].as_str() >= pair[1][field].as_str(),
            _duration => pair[0][field].as_u64() >= pair[1][field].as_u64(),
        };
        assert!(found.windows(2).all(in_order), "{sort}");
    }
}

/// Only what has a price is in the order of costs.
async fn pages_by_cost_hold_every_priced_request_once(store: TestStore) {
    let fixture = filled(store).await;
    let ids = |list: &[Value]| -> Vec<String> {
        list.iter().map(|one| one["requestId"].to_string()).collect()
    };
    let mut priced = walk(&fixture, "/api/requests?limit=500").await;
    priced.retain(|one| !one["costUsd"].is_null());
    let found = walk(&fixture, "/api/requests?limit=7&sort=cost").await;
    let in_order = |pair: &[Value]| pair[0]["costUsd"].as_f64() >= pair[1]["costUsd"].as_f64();
    assert!(found.windows(2).all(in_order));
    let (mut found, mut expected) = (ids(&found), ids(&priced));
    found.sort();
    expected.sort();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
}

async fn pages_give_each_conversation_once_and_in_order(store: TestStore) {
    let fixture = filled(store).await;
    let all = fixture.json("/api/conversations?limit=500").await;
    let all = all["conversations"].as_array().expect("a list").len();
    assert!(all > 9, "{all} conversations are several pages");
    for (sort, field) in [
        ("recent", "lastMessageTime"),
        ("cost", "costUsd"),
        ("tokens", "totalTokens"),
        ("requests", "requestCount"),
    ] {
        let address = format!("/api/conversations?limit=3&sort={sort}");
        let found = walk_list(&fixture, "conversations", &address).await;
        let ids: HashSet<_> = found.iter().map(|one| one["conversationId"].to_string()).collect();
        assert_eq!((found.len(), ids.len()), (all, all), "{sort}");
        let in_order = |pair: &[Value]| match sort {
            "recent" => instant(&pair[0][field]) >= instant(&pair[1][field]),
            _number => pair[0][field].as_f64() >= pair[1][field].as_f64(),
        };
        assert!(found.windows(2).all(in_order), "{sort}");
    }
}

async fn filters_combine(store: TestStore) {
    let fixture = filled(store).await;
    let model = "claude-opus-5-5";
    let wanted = fixture.sent.iter().filter(|one| {
        one.status == Some(529) && String::from_utf8_lossy(&one.request).contains(model)
    });
    let wanted: HashSet<_> = wanted.map(|one| one.id.to_string()).collect();
    let found =
        walk(&fixture, &format!("/api/requests?status=5xx&q=has:error+model:{model}")).await;
    let found: HashSet<_> =
        found.iter().filter_map(|one| one["requestId"].as_str()).map(str::to_owned).collect();
    assert_eq!(found, wanted);
    let rare = walk(&fixture, "/api/requests?q=%22the+invoice+export%22+invoice").await;
    assert!(!rare.is_empty() && rare.len() < fixture.sent.len(), "{} found", rare.len());
}

async fn exports_hold_every_row(store: TestStore) {
    let fixture = filled(store).await;
    let (_, csv) = fixture.get("/api/requests/export").await;
    assert!(csv.starts_with("requestId,externalId,timestamp,"), "{csv:.80}");
    assert_eq!(csv.lines().filter(|line| line.len() > 36).count(), fixture.sent.len() + 1);
    let (_, lines) = fixture.get("/api/requests/export?format=jsonl").await;
    let rows: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), fixture.sent.len());
}

async fn a_request_is_given_as_it_was_sent(store: TestStore) {
    let fixture = filled(store).await;
    for one in fixture.sent.iter().step_by(9) {
        let answer = fixture.json(&format!("/api/requests/{}", one.id)).await;
        let sent: Value = serde_json::from_slice(&one.request).expect("JSON");
        assert_eq!(answer["requestBody"], sent);
        assert_eq!(answer["requestHeaders"]["user-agent"], "claude-cli/2.1.330 (external, cli)");
        if one.state == TerminalState::Completed {
            assert_eq!(answer["responseBody"]["type"], "message");
            assert_eq!(answer["usage"]["output_tokens"].as_u64(), Some(tokens(one).output));
        }
    }
}

/// What is summed up as the exchanges come is what a full recount says, and deciding all links anew
/// moves nothing.
async fn a_recount_and_a_relink_change_no_sum(store: TestStore) {
    let fixture = filled(store).await;
    let before = shown(&fixture).await;
    fixture.store.rebuild().await.expect("counted");
    assert_eq!(shown(&fixture).await, before);
    let moved = fixture.store.relink(false).await.expect("linked");
    let moved: Vec<_> = moved.into_iter().map(|link| link.moment.id).collect();
    fixture.store.apply_links(&moved).await.expect("taken over");
    assert_eq!(shown(&fixture).await, before);
}

async fn shown(fixture: &Fixture) -> Vec<Value> {
    let mut shown = Vec::new();
    for address in
        ["/api/conversations?limit=500", "/api/stats", "/api/stats?since=2026-11-22T09:07:03Z"]
    {
        shown.push(fixture.json(address).await);
    }
    shown
}

/// Whatever part of the time is asked for, the groups add up to the whole.
async fn groups_add_up_to_the_whole(store: TestStore) {
    let fixture = filled(store).await;
    for since in ["", "?since=2026-11-22T09:07:03Z", "?from=2026-11-21&to=2026-11-23T11:59:59.5Z"] {
        let stats = fixture.json(&format!("/api/stats{since}")).await;
        for by in ["requestsByModel", "requestsByType"] {
            let groups = stats[by].as_object().expect("groups").values();
            let sum: u64 = groups.filter_map(Value::as_u64).sum();
            assert_eq!(Some(sum), stats["totalRequests"].as_u64(), "{since} {by}");
        }
    }
}

/// Each request says by which rule it is linked, and what of the history it shares.
async fn a_link_shows_what_it_stands_on(store: TestStore) {
    let fixture = filled(store).await;
    let (mut turns, mut titled) = (0, 0);
    for one in &fixture.sent {
        let answer = fixture.json(&format!("/api/requests/{}", one.id)).await;
        let percent = answer["link"]["confidence"].as_u64();
        assert!(percent.is_some_and(|percent| percent <= 100), "{answer}");
        let linked = fixture.store.find_linked(one.id).await.expect("an answer").expect("a link");
        assert_eq!(answer["link"]["method"], linked.method.name, "{answer}");
        let conversation = answer["conversationId"].as_str().and_then(|id| id.parse().ok());
        let titles = fixture.store.list_titles(conversation.as_slice()).await.expect("titles");
        assert_eq!(linked.title.as_ref(), titles.values().next(), "{answer}");
        titled += titles.len();
        let miss = &answer["cacheMiss"];
        assert!(miss.is_null() || miss["tokens"].as_u64() > Some(0), "{miss}");
        if answer["kind"] == "turn" {
            let parent = answer["parentRequestId"].as_str().expect("a parent");
            let parent = fixture.json(&format!("/api/requests/{parent}")).await;
            assert!(answer["hashes"]["current"].is_string(), "{answer}");
            turns += usize::from(answer["hashes"]["parent"] == parent["hashes"]["current"]);
        }
    }
    assert!(turns > 20, "{turns} turns go on from all of their parent's history");
    assert!(titled > 20, "{titled} are in a conversation with a title");
}

async fn walk(fixture: &Fixture, address: &str) -> Vec<Value> {
    walk_list(fixture, "requests", address).await
}

/// All pages of a list.
async fn walk_list(fixture: &Fixture, list: &str, address: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut page = fixture.json(&format!("{address}{cursor}")).await;
        all.append(page[list].as_array_mut().expect("a list"));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

store_tests!(
    sums_are_those_of_a_recount,
    the_recount_knows_prices,
    the_export_holds_the_daily_sums,
    windows_are_those_last_reported,
    a_sliding_sum_of_too_many_steps_is_refused,
    pages_by_cost_hold_every_priced_request_once,
    pages_give_each_conversation_once_and_in_order,
    days_are_those_of_the_zone,
    days_are_right_where_the_clock_changes,
    a_sliding_sum_is_right_from_its_first_step,
    pages_give_each_request_once_and_in_order,
    filters_combine,
    exports_hold_every_row,
    a_request_is_given_as_it_was_sent,
    a_recount_and_a_relink_change_no_sum,
    groups_add_up_to_the_whole,
    a_link_shows_what_it_stands_on,
);
