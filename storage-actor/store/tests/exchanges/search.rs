//! What full-text search stands on.

use jiff::tz::TimeZone;
use nexus_store::{
    queries::{Paging, RequestFilter, Search},
    store_tests,
    testing::{TestStore, statements_of},
};

use crate::{
    probe::Probe,
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
    both_halves_are_found_by_their_words_once,
    words_stored_with_accents_are_found_by_them,
);
