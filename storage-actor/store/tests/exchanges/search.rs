//! What full-text search stands on.

use jiff::tz::TimeZone;
use nexus_contract::ExchangeId;
use nexus_store::{
    exchanges::ExchangePart,
    queries::{
        ConversationFilter, ConversationSort, Paging, RequestFilter, RequestSort, Search,
        Unsearched,
    },
    store_tests,
    testing::{TestStore, statements_of},
};

use crate::{
    lists::all_conversations,
    probe::{Place, Probe},
    retention::opened,
    sample::{history, id, request, response},
};

async fn both_halves_are_found_by_their_words_once(store: TestStore) {
    for _ in 0..2 {
        store.write_exchanges(&[response(7, b"x")]).await.expect("stored");
        store.write_exchanges(&[request(7, &history(1)), request(8, b"y")]).await.expect("stored");
    }
    let probe = Probe::open(&store.url).await;
    let statement = if store.engine() == "sqlite" {
        "SELECT d.part, d.exchange_id FROM search_words w JOIN search_documents d \
         ON d.document_id = w.rowid WHERE search_words MATCH 'number7'"
    } else {
        "SELECT part, exchange_id FROM search_documents \
         WHERE string_to_array(words, ' ') @> ARRAY['number7']"
    };
    let found = probe.rows(statement).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("part=request") && found[1].contains("part=response"), "{found:?}");
}

/// PostgreSQL's documents kept their accents once.
async fn words_stored_with_accents_are_found_by_them(store: TestStore) {
    let mut part = request(7, b"x");
    "im Café".clone_into(&mut part.search_text);
    store.write_exchanges(&[part, request(8, b"y")]).await.expect("stored");
    if store.engine() == "postgres" {
        let probe = Probe::open(&store.url).await;
        let plain = "SELECT words FROM search_documents WHERE words = 'im cafe'";
        assert_eq!(probe.rows(plain).await.len(), 1);
        probe.run("UPDATE search_documents SET words = 'im café' WHERE words = 'im cafe'").await;
    }
    for text in ["café", "\"im Café\""] {
        let search = Search::parse(text, &TimeZone::UTC).expect("a search");
        let filter = RequestFilter { search, ..RequestFilter::default() };
        let page = store.list_requests(&filter, &Paging::default()).await.expect("a page");
        let found: Vec<_> = page.items.iter().map(|row| row.request_id).collect();
        assert_eq!(found, [id(7)], "{text}");
    }
}

/// One exchange a millisecond, each with a document, in more stretches than are looked into at first.
const EXCHANGES: u32 = 8_000;
/// So many places a search takes.
const PLACES: usize = 3_000;

/// More than a search with other conditions looks into at once.
const MANY_EXCHANGES: u32 = 14_000;
/// The oldest of them have a word of their own, in more places than a search takes.
const EARLY: i64 = 3_500;

/// The words of the exchange of the millisecond `at / 1000`.
const WORDS: &str = "'all' || CASE WHEN at / 1000 % 2 = 0 THEN ' even' ELSE '' END \
    || CASE WHEN at / 1000 % 5 = 0 THEN ' five fold' ELSE ' fold five' END \
    || CASE WHEN at / 1000 % 997 = 0 THEN ' rare' ELSE '' END \
    || CASE WHEN at / 1000 <= 3500 THEN ' early' ELSE '' END";

async fn fill_stretches(store: &TestStore, exchanges: u32) {
    let probe = Probe::open(&store.url).await;
    probe.add_exchanges(exchanges, "at", "i * 1000").await;
    add_documents(store, "at / 1000 * 300", WORDS).await;
}

/// A document for each exchange that was added.
async fn add_documents(store: &TestStore, id: &str, words: &str) {
    let probe = Probe::open(&store.url).await;
    let columns = "document_id, exchange_id, part";
    let from = "FROM exchanges WHERE domain = 'old.example'";
    if store.engine() == "sqlite" {
        let documents = format!(
            "INSERT INTO search_documents ({columns}) SELECT {id}, exchange_id, 'request' {from}"
        );
        probe.run(&documents).await;
        probe
            .run(&format!("INSERT INTO search_words (rowid, text) SELECT {id}, {words} {from}"))
            .await;
    } else {
        let documents = format!(
            "INSERT INTO search_documents ({columns}, words) \
             SELECT {id}, exchange_id, 'request', {words} {from}"
        );
        probe.run(&documents).await;
    }
}

fn filter(text: &str) -> RequestFilter {
    let search = Search::parse(text, &TimeZone::UTC).expect("a search");
    RequestFilter { search, ..RequestFilter::default() }
}

/// The milliseconds of all that is found, page by page.
async fn found(store: &TestStore, filter: &RequestFilter) -> Vec<i64> {
    let mut paging = Paging { limit: Paging::MAX, ..Paging::default() };
    let mut found = Vec::new();
    loop {
        let page = store.list_requests(filter, &paging).await.expect("a page");
        found.extend(page.items.iter().map(|row| row.timestamp.as_millisecond()));
        if page.next_cursor.is_none() {
            return found;
        }
        paging.cursor = page.next_cursor;
    }
}

/// A search, and which of the exchanges it finds.
type Asked = (&'static str, fn(i64) -> bool);

async fn the_newest_places_are_found_however_common_the_words(store: TestStore) {
    fill_stretches(&store, EXCHANGES).await;
    let searches: [Asked; 7] = [
        ("all", |_| true),
        ("even", |at| at % 2 == 0),
        ("\"five fold\"", |at| at % 5 == 0),
        ("\"fold five\" EVEN", |at| at % 5 != 0 && at % 2 == 0),
        ("rare", |at| at % 997 == 0),
        ("all rare", |at| at % 997 == 0),
        ("\"rare five\"", |_| false),
    ];
    for (text, is_one) in searches {
        let newest = (1..=i64::from(EXCHANGES)).rev().filter(|at| is_one(*at));
        let expected: Vec<_> = newest.take(PLACES).collect();
        assert_eq!(found(&store, &filter(text)).await, expected, "{text}");
    }
}

/// Where the first of the list fill the page, and where they don't; where few meet the condition, many,
/// and none.
async fn with_other_conditions_all_are_found(store: TestStore) {
    fill_stretches(&store, EXCHANGES).await;
    let searches: [Asked; 11] = [
        ("all domain:old.example", |_| true),
        ("even domain:old.example", |at| at % 2 == 0),
        ("\"fold five\" EVEN domain:old.example", |at| at % 5 != 0 && at % 2 == 0),
        ("rare domain:old.example", |at| at % 997 == 0),
        ("\"rare five\" domain:old.example", |_| false),
        ("even domain:new.example", |_| false),
        ("even before:1970-01-01T00:00:05Z", |at| at < 5_000 && at % 2 == 0),
        ("rare before:1970-01-01T00:00:05Z", |at| at < 5_000 && at % 997 == 0),
        ("even since:1970-01-01T00:00:07Z", |at| at >= 7_000 && at % 2 == 0),
        ("rare before:1970-01-01T00:00:01Z", |at| at == 997),
        ("... domain:old.example", |_| false),
    ];
    for (text, is_one) in searches {
        let newest = (1..=i64::from(EXCHANGES)).rev().filter(|at| is_one(*at));
        assert_eq!(found(&store, &filter(text)).await, newest.collect::<Vec<_>>(), "{text}");
    }
}

/// An offset reaches behind what the first of the list hold.
async fn with_other_conditions_an_offset_gives_what_pages_give(store: TestStore) {
    fill_stretches(&store, EXCHANGES).await;
    let filter = filter("even domain:old.example");
    for offset in [0, 700, 999, 1_000, 1_500, 3_995, 4_000] {
        let paging = Paging { limit: 10, offset, ..Paging::default() };
        let page = store.list_requests(&filter, &paging).await.expect("a page");
        let rows: Vec<_> = page.items.iter().map(|row| row.timestamp.as_millisecond()).collect();
        let even = (1..=i64::from(EXCHANGES)).rev().filter(|at| at % 2 == 0);
        let expected: Vec<_> = even.skip(offset as usize).take(10).collect();
        assert_eq!(rows, expected, "from {offset}");
        assert_eq!(page.next_cursor.is_some(), offset < 3_990, "from {offset}");
    }
}

fn steps(statements: &[String]) -> usize {
    statements.iter().filter(|statement| statement.contains("WITH candidates")).count()
}

/// What is old comes with a later page.
async fn what_a_search_left_out_is_told_and_comes_with_the_next_page(store: TestStore) {
    fill_stretches(&store, MANY_EXCHANGES).await;
    let filter = filter("early domain:old.example");
    let (listed, statements) =
        statements_of(store.list_requests(&filter, &Paging::default())).await;
    let first = listed.expect("a page");
    assert_eq!((first.items.len(), first.unsearched), (0, Some(Unsearched::Next)));
    assert_eq!(steps(&statements), 2, "{statements:#?}");
    let paging = Paging { cursor: first.next_cursor, ..Paging::default() };
    let (listed, statements) = statements_of(store.list_requests(&filter, &paging)).await;
    let next = listed.expect("a page");
    assert_eq!((next.items.len(), next.unsearched), (Paging::USUAL as usize, None));
    let is_step = statements.last().is_some_and(|last| last.contains("WITH candidates"));
    assert!(is_step, "rows come with their step: {statements:#?}");
    assert_eq!(found(&store, &filter).await, (1..=EARLY).rev().collect::<Vec<_>>());
    for sort in [RequestSort::Cost, RequestSort::Duration] {
        let sorted = RequestFilter { sort, ..filter.clone() };
        assert!(found(&store, &sorted).await.is_empty(), "{sort:?} is known of none");
    }
}

/// Models and tools are asked for before, so one step must do.
async fn a_search_takes_few_statements_whatever_is_asked(store: TestStore) {
    let probe = Probe::open(&store.url).await;
    let values = "i * 1000, 'opus', 'Bash\n'";
    probe.add_exchanges(MANY_EXCHANGES, "at, model, tool_names", values).await;
    add_documents(&store, "at / 1000 * 300", WORDS).await;
    for (text, taken) in [
        ("early domain:old.example", 2),
        ("early model:opus", 2),
        ("early tool:bash", 2),
        ("early model:opus tool:bash", 1),
    ] {
        let filter = filter(text);
        let (listed, statements) =
            statements_of(store.list_requests(&filter, &Paging::default())).await;
        let page = listed.expect("a page");
        assert_eq!((page.items.len(), page.unsearched), (0, Some(Unsearched::Next)), "{text}");
        assert_eq!(steps(&statements), taken, "{text}: {statements:#?}");
        if store.engine() == "sqlite" {
            assert!(statements.len() <= 5, "{text}: {statements:#?}");
        }
        assert_eq!(found(&store, &filter).await, (1..=EARLY).rev().collect::<Vec<_>>(), "{text}");
    }
}

/// Where the words have few places, all of these are looked at, whatever the list walks past.
async fn rare_words_are_looked_up_whatever_else_is_asked(store: TestStore) {
    fill_stretches(&store, MANY_EXCHANGES).await;
    let filter = filter("rare domain:old.example");
    let (listed, statements) =
        statements_of(store.list_requests(&filter, &Paging::default())).await;
    let page = listed.expect("a page");
    assert_eq!((page.items.len(), page.next_cursor, page.unsearched), (14, None, None));
    assert_eq!(steps(&statements), 0, "{statements:#?}");
    let Some(list) = statements.last() else { panic!("it takes no statement") };
    if store.engine() == "sqlite" {
        let probe = Probe::open(&store.url).await;
        let plan = probe.rows(&format!("EXPLAIN QUERY PLAN {list}")).await;
        let walks = plan.iter().any(|line| line.contains("exchanges_by_domain"));
        assert!(!walks, "{list}: {plan:#?}");
    }
}

async fn words_alone_tell_that_older_places_are_left_out(store: TestStore) {
    fill_stretches(&store, EXCHANGES).await;
    for (text, unsearched) in [
        ("all", Some(Unsearched::Older)),
        ("\"fold five\" even", Some(Unsearched::Older)),
        ("rare", None),
        ("\"rare five\"", None),
        ("", None),
    ] {
        let page = store.list_requests(&filter(text), &Paging::default()).await.expect("a page");
        assert_eq!(page.unsearched, unsearched, "{text}");
    }
}

/// More than are looked into at once.
const CONVERSATIONS: u32 = 450;

/// Each of one exchange; every second says one word, and an old one another. In another old one, two
/// words stand in more places than a search takes.
async fn store_conversations(store: &TestStore) {
    let probe = opened(store).await;
    for number in 1..=CONVERSATIONS {
        let place = Place { conversation: id(number).0, branch: "main".to_owned(), kind: "turn" };
        probe.place(id(number).0, &place).await;
    }
    let said = |number: u32| match number {
        3 => "a wren",
        even if even.is_multiple_of(2) => "a heron",
        _odd => "a crow",
    };
    let halves = |number| {
        let search_text = said(number).to_owned();
        [request(number, b"asked"), ExchangePart { search_text, ..response(number, b"said") }]
    };
    let parts: Vec<_> = (1..=CONVERSATIONS).flat_map(halves).collect();
    store.write_exchanges(&parts).await.expect("stored");
    let linked: Vec<_> = (1..=CONVERSATIONS).map(id).collect();
    store.apply_links(&linked).await.expect("linked");
    let second = "(SELECT c.conversation_id FROM exchanges c WHERE c.preview = 'answer 2')";
    let values = format!("i * 1000, {second}");
    probe.add_exchanges(3_100, "at, conversation_id", &values).await;
    add_documents(store, "1000000 + at / 1000", "'a heron swift'").await;
}

/// Newest first.
fn herons() -> Vec<ExchangeId> {
    (1..=CONVERSATIONS).rev().filter(|number| number.is_multiple_of(2)).map(id).collect()
}

fn of_conversations(text: &str) -> ConversationFilter {
    let search = Search::parse(text, &TimeZone::UTC).expect("a search");
    ConversationFilter { search, ..ConversationFilter::default() }
}

/// By pages that the first of the list fill, that they don't, and that are longer than they are.
async fn with_other_conditions_all_conversations_are_found(store: TestStore) {
    store_conversations(&store).await;
    for limit in [7, 30, 50, 100, 500] {
        for (text, expected) in [
            ("heron domain:team.example", herons()),
            ("\"a heron\" model:model", herons()),
            ("heron tool:bash tokens:>1 cost:<=1 since:2026-01-01 before:2027-01-01", herons()),
            ("swift domain:team.example", vec![id(2)]),
            ("wren domain:team.example", vec![id(3)]),
            ("wren domain:old.example", Vec::new()),
            ("heron domain:old.example", Vec::new()),
            ("\"heron a\" domain:team.example", Vec::new()),
        ] {
            let found = all_conversations(&store, &of_conversations(text), limit).await;
            assert_eq!(found, expected, "{text} by {limit}");
        }
    }
}

async fn a_search_of_conversations_ends_as_one_of_requests_does(store: TestStore) {
    store_conversations(&store).await;
    // Half of the first hundred have herons.
    let paging = Paging { limit: 40, ..Paging::default() };
    let page = async |text: &str| {
        store.list_conversations(&of_conversations(text), &paging).await.expect("a page")
    };
    let left_out = page("swift domain:team.example").await;
    assert_eq!((left_out.items.len(), left_out.unsearched), (0, Some(Unsearched::Next)));
    let full = page("heron domain:team.example").await;
    assert_eq!((full.items.len(), full.unsearched), (40, None));
    for one in &full.items {
        let shown: Vec<_> = one.snippets.iter().map(|snippet| snippet.request_id).collect();
        assert_eq!(shown, [one.conversation_id], "its one exchange");
    }
    let alone = page("heron").await;
    assert_eq!((alone.items.len(), alone.unsearched), (1, Some(Unsearched::Older)));
    assert_eq!(page("wren").await.unsearched, None);
}

/// It is that of the list without the words.
async fn a_walk_keeps_the_order_of_conversations(store: TestStore) {
    use ConversationSort::{Cost, Recent, Requests, Tokens};
    store_conversations(&store).await;
    let herons = herons();
    for sort in [Recent, Cost, Tokens, Requests] {
        let sorted = |text| ConversationFilter { sort, ..of_conversations(text) };
        let all = all_conversations(&store, &sorted("domain:team.example"), 500).await;
        let expected: Vec<_> = all.into_iter().filter(|one| herons.contains(one)).collect();
        let found = all_conversations(&store, &sorted("heron domain:team.example"), 50).await;
        assert_eq!(found, expected, "{sort:?}");
    }
}

/// However many places the words have in one of them.
async fn all_conversations_with_the_words_are_counted(store: TestStore) {
    store_conversations(&store).await;
    for (text, expected) in [
        ("heron", herons().len()),
        ("heron domain:team.example", herons().len()),
        ("swift", 1),
        ("wren", 1),
        ("\"heron a\"", 0),
    ] {
        let counts = store.count_conversations(&of_conversations(text)).await.expect("counts");
        assert_eq!(counts.conversations, expected as u64, "{text}");
    }
}

/// SQLite's index gives the newest first; PostgreSQL's is asked for some stretches.
async fn a_common_word_is_not_looked_for_in_all_documents(store: TestStore) {
    fill_stretches(&store, EXCHANGES).await;
    for (text, is_common) in [("all", true), ("rare", false)] {
        let (filter, paging) = (filter(text), Paging::default());
        let (listed, statements) = statements_of(store.list_requests(&filter, &paging)).await;
        listed.expect("a page");
        let Some(list) = statements.last() else { panic!("{text} takes no statement") };
        if store.engine() == "postgres" {
            assert_eq!(list.contains(" && string_to_array("), is_common, "{list}");
            assert!(list.contains("ORDER BY +document_id DESC"), "{list}");
        }
    }
}

store_tests!(
    the_newest_places_are_found_however_common_the_words,
    a_common_word_is_not_looked_for_in_all_documents,
    with_other_conditions_all_are_found,
    with_other_conditions_an_offset_gives_what_pages_give,
    with_other_conditions_all_conversations_are_found,
    what_a_search_left_out_is_told_and_comes_with_the_next_page,
    a_search_takes_few_statements_whatever_is_asked,
    rare_words_are_looked_up_whatever_else_is_asked,
    words_alone_tell_that_older_places_are_left_out,
    a_search_of_conversations_ends_as_one_of_requests_does,
    a_walk_keeps_the_order_of_conversations,
    all_conversations_with_the_words_are_counted,
    both_halves_are_found_by_their_words_once,
    words_stored_with_accents_are_found_by_them,
);
