//! Lists of exchanges and series of usage, on rows.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan, civil::date, tz::TimeZone};
use nexus_contract::ExchangeId;
use nexus_store::{
    exchanges::{ExchangePart, Facts},
    queries::{
        ConversationFilter, GroupBy, Page, Paging, RequestFilter, RequestSort, RequestSummary,
        Search, UsageBucket, UsageFilter, UsageKey, UsageTotals,
    },
    store_tests,
    testing::TestStore,
};

use crate::{
    probe::Probe,
    retention::{opened, store_turns},
    sample::{at, id, request, response},
};

const EXCHANGES: u32 = 14;

async fn fill(store: &TestStore) {
    for number in 1..=EXCHANGES {
        let halves = [request(number, b"asked"), response(number, b"said")];
        store.write_exchanges(&halves).await.expect("stored");
    }
}

fn filter(search: &str) -> RequestFilter {
    let search = Search::parse(search, &TimeZone::UTC).expect("a search");
    RequestFilter { search, ..RequestFilter::default() }
}

/// All conversations of the filter, by pages of `limit`.
pub async fn all_conversations(
    store: &TestStore,
    filter: &ConversationFilter,
    limit: u32,
) -> Vec<ExchangeId> {
    let mut paging = Paging { limit, ..Paging::default() };
    let mut found = Vec::new();
    loop {
        let page = store.list_conversations(filter, &paging).await.expect("a page");
        found.extend(page.items.iter().map(|one| one.conversation_id));
        if page.next_cursor.is_none() {
            return found;
        }
        paging.cursor = page.next_cursor;
    }
}

async fn page(store: &TestStore, filter: &RequestFilter, paging: &Paging) -> Page<RequestSummary> {
    store.list_requests(filter, paging).await.expect("a page")
}

async fn ids(store: &TestStore, filter: &RequestFilter) -> Vec<ExchangeId> {
    let page = page(store, filter, &Paging::default()).await;
    page.items.iter().map(|row| row.request_id).collect()
}

/// Newest first.
fn numbers(numbers: impl DoubleEndedIterator<Item = u32>) -> Vec<ExchangeId> {
    numbers.rev().map(id).collect()
}

async fn an_offset_gives_what_pages_give(store: TestStore) {
    fill(&store).await;
    let probe = Probe::open(&store.url).await;
    // Of one, nothing but a link is known yet.
    let unknown = "UPDATE exchanges SET method = NULL, state = NULL WHERE preview = 'answer 9'";
    probe.run(unknown).await;
    let known = numbers((1..=EXCHANGES).filter(|number| *number != 9));
    assert_eq!(ids(&store, &RequestFilter::default()).await, known);
    let domain = Some("team.example".to_owned());
    let filters = [
        RequestFilter::default(),
        RequestFilter { domain, ..RequestFilter::default() },
        RequestFilter { sort: RequestSort::Cost, ..RequestFilter::default() },
        RequestFilter { sort: RequestSort::Duration, ..RequestFilter::default() },
        filter("prompt"),
        filter("tokens:>20"),
    ];
    for filter in filters {
        let all = ids(&store, &filter).await;
        assert!(all.len() > 7, "{filter:?}");
        for offset in 0..=all.len() {
            let paging = Paging {
                limit: 3,
                offset: u32::try_from(offset).expect("a few"),
                ..Paging::default()
            };
            let page = page(&store, &filter, &paging).await;
            let given: Vec<_> = page.items.iter().map(|row| row.request_id).collect();
            let rest = &all[offset..];
            assert_eq!(given, rest[..rest.len().min(3)], "{offset} of {filter:?}");
            assert_eq!(page.next_cursor.is_some(), rest.len() > 3, "{offset} of {filter:?}");
        }
    }
}

/// Two conversations of an exchange each, the second of them analysed.
const CONVERSATIONS: &str = "UPDATE exchanges SET conversation_id = exchange_id \
    WHERE preview IN ('answer 12', 'answer 13')";
const ANALYSIS: &str = "INSERT INTO analyses (job_id, conversation_id, branch_id, status, run, \
    fence, attempts, due_at, requested_by, requested_at, updated_at) \
    SELECT exchange_id, conversation_id, 'main', 'completed', 1, 1, 1, 0, 'somebody', 0, 0 \
    FROM exchanges WHERE preview = 'answer 13'";

/// Exchange `number` has `3 * number + 12` tokens, costs as many thousands of nanodollars as its
/// number, and nothing is known of the price of every fourth.
async fn few_are_found_by_each_condition(store: TestStore) {
    fill(&store).await;
    let probe = Probe::open(&store.url).await;
    probe.run(CONVERSATIONS).await;
    probe.run(ANALYSIS).await;
    let priced = |number: &u32| !number.is_multiple_of(4);
    for words in ["", "prompt ", "number13 "] {
        let has = |number: &u32| words != "number13 " || *number == 13;
        let found = [
            ("tokens:>42", numbers((11..=EXCHANGES).filter(has))),
            ("tokens:>1m", Vec::new()),
            ("tokens:42..48", numbers((10..=12).filter(has))),
            ("cost:>=0.000013", numbers((13..=EXCHANGES).filter(priced).filter(has))),
            // The rarer of two, and the one that is none at all.
            ("tokens:>12 cost:>=0.000013", numbers((13..=EXCHANGES).filter(has))),
            ("tokens:>12 cost:>1", Vec::new()),
            ("has:analysis", numbers([13].into_iter().filter(has))),
            ("has:analysis tokens:<42", Vec::new()),
        ];
        for (conditions, expected) in found {
            let filter = filter(&format!("{words}{conditions}"));
            assert_eq!(ids(&store, &filter).await, expected, "{filter:?}");
        }
        let middle = RequestFilter { from: Some(at(12)), to: Some(at(14)), ..filter(words) };
        assert_eq!(ids(&store, &middle).await, numbers((12..14).filter(has)), "{words}");
    }
}

/// More than are looked up: the list is walked, and still finds all.
async fn many_are_found_as_few_are(store: TestStore) {
    fill(&store).await;
    // Older than the others.
    let columns = "at, input_tokens, output_tokens, cache_read_tokens, \
        cache_creation_5m_tokens, cache_creation_1h_tokens";
    let probe = Probe::open(&store.url).await;
    probe.add_exchanges(2_100, columns, "i, 5000, 0, 0, 0, 0").await;
    let newest = page(&store, &filter("tokens:>42"), &Paging::default()).await;
    let found: Vec<_> = newest.items.iter().map(|row| row.request_id).collect();
    assert_eq!(found[..4], numbers(11..=EXCHANGES));
    assert_eq!(found.len(), Paging::USUAL as usize);
    assert!(newest.items[4..].iter().all(|row| row.domain == "old.example"));
    assert_eq!(ids(&store, &filter("tokens:>42 number13")).await, [id(13)]);
}

/// Domains, accounts and models are what clients call them: nothing in a name is taken for a sum.
async fn a_series_adds_up_to_the_sum(store: TestStore) {
    for number in 1..=EXCHANGES {
        let mut asked = request(number, b"asked");
        if let Facts::Request(facts) = &mut asked.facts {
            facts.model = Some(format!("model 1,2 {}\n7 7", number % 3));
        }
        store.write_exchanges(&[asked, response(number, b"said")]).await.expect("stored");
    }
    let filter = UsageFilter::default();
    let all = GroupBy { domain: true, account: true, model: true, request_type: true };
    let by_account = GroupBy { account: true, ..GroupBy::default() };
    // The second day begins within an hour, and among the exchanges.
    let first: Timestamp = "2026-11-22T09:45:00Z".parse().expect("an instant");
    let edges = [first, first + 24.hours(), first + 48.hours()];
    // The time that is asked for may begin within the first day, also behind UTC's midnight.
    let begins: [(i64, u64); 3] = [(0, 6), (10 * 60, 6), (23 * 60 + 30, 4)];
    for group in [GroupBy::default(), by_account, all] {
        let sums = store.sum_usage_by(&filter, group).await.expect("sums");
        for width in [15, 30, 60, 1_440] {
            let series = store.list_usage(&filter, width, group).await.expect("a series");
            assert!(series.is_sorted_by_key(|bucket| (bucket.start, bucket.key.clone())));
            let seconds = i64::from(width) * 60;
            assert!(series.iter().all(|bucket| bucket.start.as_second() % seconds == 0));
            assert_eq!(added(&series), sums, "{width}");
        }
        for (later, begun) in begins {
            let edges = [edges[0] + later.minutes(), edges[1], edges[2]];
            let days = store.list_usage_between(&filter, &edges, group).await.expect("days");
            assert!(begun < 6 || added(&days) == sums, "{days:#?}");
            let requests = |start: Timestamp| {
                let of_day = days.iter().filter(|day| day.start == start);
                of_day.map(|day| day.totals.requests).sum::<u64>()
            };
            assert_eq!(edges.map(requests), [begun, 8, 0], "{later} minutes later");
        }
    }
    let quarters = store.list_usage(&filter, 15, GroupBy::default()).await.expect("a series");
    let counts: Vec<_> = quarters.iter().map(|quarter| quarter.totals.requests).collect();
    assert_eq!(counts, [2; 7], "7 minutes apart, from 9:07 on");
}

/// Exchanges stand on both sides of every midnight, and its margin is hours and quarters.
async fn days_of_a_zone_are_those_of_a_recount(store: TestStore) {
    let begin: Timestamp = "2026-11-20T18:07:00Z".parse().expect("an instant");
    let instants: Vec<_> = (1..=150).map(|number: i64| begin + (number * 67).minutes()).collect();
    let parts: Vec<_> = (1..)
        .zip(&instants)
        .flat_map(|(number, at)| {
            let halves = [request(number, b"asked"), response(number, b"said")];
            halves.map(|half| ExchangePart { at: *at, ..half })
        })
        .collect();
    store.write_exchanges(&parts).await.expect("stored");
    for name in ["Asia/Kathmandu", "America/St_Johns", "Pacific/Chatham", "Europe/Berlin"] {
        let zone = TimeZone::get(name).expect("a zone");
        let days = date(2026, 11, 20).series(1.day()).take(11);
        let midnights = days.map(|day| day.to_zoned(zone.clone()).expect("a day").timestamp());
        let edges: Vec<_> = midnights.collect();
        let filter = UsageFilter::default();
        let days = store.list_usage_between(&filter, &edges, GroupBy::default()).await;
        let days = days.expect("days");
        let found: Vec<_> = days.iter().map(|day| (day.start, day.totals.requests)).collect();
        let recount = edges.windows(2).map(|day| {
            let of_day = instants.iter().filter(|at| (day[0]..day[1]).contains(*at));
            (day[0], of_day.count() as u64)
        });
        let recount: Vec<_> = recount.filter(|(_, requests)| *requests > 0).collect();
        assert!(recount.len() > 6);
        assert_eq!(found, recount, "{name}");
    }
}

fn added(series: &[UsageBucket]) -> BTreeMap<UsageKey, UsageTotals> {
    let mut sums: BTreeMap<UsageKey, UsageTotals> = BTreeMap::new();
    for bucket in series {
        *sums.entry(bucket.key.clone()).or_default() += bucket.totals;
    }
    sums
}

/// They are read from another table.
async fn sums_by_account_are_those_of_all_its_keys(store: TestStore) {
    fill(&store).await;
    let filter = UsageFilter::default();
    let all = GroupBy { domain: true, account: true, model: true, request_type: true };
    let by_account = GroupBy { account: true, ..GroupBy::default() };
    let mut accounts: BTreeMap<UsageKey, UsageTotals> = BTreeMap::new();
    for (key, totals) in store.sum_usage_by(&filter, all).await.expect("sums") {
        let account = UsageKey { account_id: key.account_id, ..UsageKey::default() };
        *accounts.entry(account).or_default() += totals;
    }
    assert_eq!(store.sum_usage_by(&filter, by_account).await.expect("sums"), accounts);
    for (key, totals) in accounts {
        let one = UsageFilter { account_id: key.account_id, ..UsageFilter::default() };
        assert_eq!(store.sum_usage(&one).await.expect("a sum"), totals);
    }
}

async fn each_call_has_its_name_and_counts_for_its_exchange_once(store: TestStore) {
    let probe = opened(&store).await;
    store_turns(&store, &probe, 1, 1..=3).await;
    let listed = page(&store, &RequestFilter::default(), &Paging::default()).await;
    assert_eq!(listed.items.len(), 3);
    for row in listed.items {
        assert_eq!(row.tool_names, ["Bash", "Read", "Bash"]);
    }
    let counted = "SELECT value, count FROM conversation_values WHERE field = 'tool'";
    assert_eq!(probe.rows(counted).await, ["count=3 value=Bash", "count=3 value=Read"]);
}

store_tests!(
    an_offset_gives_what_pages_give,
    few_are_found_by_each_condition,
    many_are_found_as_few_are,
    a_series_adds_up_to_the_sum,
    days_of_a_zone_are_those_of_a_recount,
    sums_by_account_are_those_of_all_its_keys,
    each_call_has_its_name_and_counts_for_its_exchange_once,
);
