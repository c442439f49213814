//! What full-text search stands on.

use nexus_store::{store_tests, testing::TestStore};

use crate::{
    probe::Probe,
    sample::{history, request, response},
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

store_tests!(both_halves_are_found_by_their_words_once);
