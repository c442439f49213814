//! What full-text search stands on.

use jiff::tz::TimeZone;
use nexus_store::{
    queries::{Paging, RequestFilter, Search},
    store_tests,
    testing::TestStore,
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

store_tests!(
    both_halves_are_found_by_their_words_once,
    words_stored_with_accents_are_found_by_them,
);
