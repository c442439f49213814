//! What full-text search stands on.

use jiff::tz::TimeZone;
use nexus_contract::ExchangeId;
use nexus_store::{
    exchanges::ExchangePart,
    queries::{ConversationFilter, Paging, RequestFilter, Search},
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

/// The words of the exchange of the millisecond `at / 1000`.
const WORDS: &str = "'all' || CASE WHEN at / 1000 % 2 = 0 THEN ' even' ELSE '' END \
    || CASE WHEN at / 1000 % 5 = 0 THEN ' five fold' ELSE ' fold five' END \
    || CASE WHEN at / 1000 % 997 = 0 THEN ' rare' ELSE '' END";

async fn fill_stretches(store: &TestStore) {
    let probe = Probe::open(&store.url).await;
    probe.add_exchanges(EXCHANGES, "at", "i * 1000").await;
    let (id, from) = ("at / 1000 * 300", "FROM exchanges");
    let columns = "document_id, exchange_id, part";
    if store.engine() == "sqlite" {
        let documents = format!(
            "INSERT INTO search_documents ({columns}) SELECT {id}, exchange_id, 'request' {from}"
        );
        probe.run(&documents).await;
        probe
            .run(&format!("INSERT INTO search_words (rowid, text) SELECT {id}, {WORDS} {from}"))
            .await;
    } else {
        let documents = format!(
            "INSERT INTO search_documents ({columns}, words) \
             SELECT {id}, exchange_id, 'request', {WORDS} {from}"
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
    fill_stretches(&store).await;
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

/// Where the first of the list fill the page, and where all places must be looked at; where few meet the
/// condition, many, and none.
async fn with_other_conditions_all_are_found(store: TestStore) {
    fill_stretches(&store).await;
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
    fill_stretches(&store).await;
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

/// More than are looked into first.
const CONVERSATIONS: u32 = 120;

/// Each of one exchange; every second says one word, and an old one another.
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
        [ExchangePart { search_text, ..request(number, b"asked") }, response(number, b"said")]
    };
    let parts: Vec<_> = (1..=CONVERSATIONS).flat_map(halves).collect();
    store.write_exchanges(&parts).await.expect("stored");
    let linked: Vec<_> = (1..=CONVERSATIONS).map(id).collect();
    store.apply_links(&linked).await.expect("linked");
}

async fn conversations(store: &TestStore, text: &str, limit: u32) -> Vec<ExchangeId> {
    let search = Search::parse(text, &TimeZone::UTC).expect("a search");
    let filter = ConversationFilter { search, ..ConversationFilter::default() };
    all_conversations(store, &filter, limit).await
}

/// By pages that the first of the list fill, that they don't, and that are longer than they are.
async fn with_other_conditions_all_conversations_are_found(store: TestStore) {
    store_conversations(&store).await;
    let even = (1..=CONVERSATIONS).rev().filter(|number| number.is_multiple_of(2));
    let herons: Vec<_> = even.map(id).collect();
    for limit in [7, 30, 50, 100] {
        for (text, expected) in [
            ("heron domain:team.example", herons.clone()),
            ("\"a heron\" model:model", herons.clone()),
            ("wren domain:team.example", vec![id(3)]),
            ("wren domain:old.example", Vec::new()),
            ("\"heron a\" domain:team.example", Vec::new()),
        ] {
            assert_eq!(conversations(&store, text, limit).await, expected, "{text} by {limit}");
        }
    }
}

/// SQLite's index gives the newest first; PostgreSQL's is asked for some stretches.
async fn a_common_word_is_not_looked_for_in_all_documents(store: TestStore) {
    fill_stretches(&store).await;
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
    both_halves_are_found_by_their_words_once,
    words_stored_with_accents_are_found_by_them,
);
