//! What full-text search finds, and the places that it shows.

use nexus_contract::ExchangeId;
use nexus_scripted::generate::Exchange;
use nexus_store::{store_tests, testing::TestStore};
use serde_json::{Value, json};

use crate::{
    fixture::{Fixture, filled, over},
    sample::{exchange, now},
};

/// Two turns: each word stands in one of the four kinds of text.
fn turns() -> Vec<Exchange> {
    let asked = json!({"role": "user", "content": "Where does the heron nest, in the Café?"});
    let call =
        json!({"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "cat walrus"}});
    let answer = json!([{"type": "text", "text": "The ibis knows."}, call]);
    let result = json!([{"type": "tool_result", "tool_use_id": "t1", "content": "one pelican"}]);
    let history = json!([
        asked,
        {"role": "assistant", "content": answer},
        {"role": "user", "content": result},
    ]);
    let last = json!([{"type": "text", "text": "It nests in no cafe."}]);
    vec![exchange(1, "s", &json!([asked]), &answer), exchange(2, "s", &history, &last)]
}

async fn found(fixture: &Fixture, words: &str) -> Vec<String> {
    let page = fixture.json(&format!("/api/requests?q={words}")).await;
    let rows = page["requests"].as_array().expect("a list").iter();
    let mut ids: Vec<_> =
        rows.filter_map(|row| row["requestId"].as_str()).map(str::to_owned).collect();
    ids.sort();
    ids
}

/// The one place that is shown for the words: its request, and what is marked in it.
async fn shown(fixture: &Fixture, words: &str) -> (String, Vec<String>) {
    let page = fixture.json(&format!("/api/conversations?q={words}")).await;
    let list = page["conversations"].as_array().expect("a list");
    assert_eq!(list.len(), 1, "{words}: {page}");
    let snippets = list[0]["snippets"].as_array().expect("snippets");
    assert_eq!(snippets.len(), 1, "{words}: {page}");
    let id = snippets[0]["requestId"].as_str().expect("an id").to_owned();
    (id, marked(&snippets[0]))
}

fn marked(snippet: &Value) -> Vec<String> {
    let parts = snippet["parts"].as_array().expect("parts").iter();
    let marked = parts.filter(|part| part["isMatch"] == true);
    marked.filter_map(|part| part["text"].as_str()).map(str::to_owned).collect()
}

async fn every_kind_of_text_is_found_and_shown(store: TestStore) {
    let fixture = over(store, turns(), now(), |_| {}).await;
    let [first, second] = [0, 1].map(|turn: usize| fixture.sent[turn].id.to_string());
    for (kind, word, id) in [
        ("what a human wrote", "heron", &first),
        ("an answer", "ibis", &first),
        ("a tool's input", "walrus", &first),
        ("a tool's result", "pelican", &second),
    ] {
        assert_eq!(found(&fixture, word).await, std::slice::from_ref(id), "{kind}");
        assert_eq!(shown(&fixture, word).await, (id.clone(), vec![word.to_owned()]), "{kind}");
    }
    let phrase = shown(&fixture, "%22HERON+nest%22").await;
    assert_eq!(phrase, (first, vec!["heron nest".to_owned()]));
    assert_eq!(found(&fixture, "%22nest+heron%22").await, Vec::<String>::new());
}

async fn accents_make_no_difference(store: TestStore) {
    let fixture = over(store, turns(), now(), |_| {}).await;
    let mut both: Vec<_> = fixture.sent.iter().map(|one| one.id.to_string()).collect();
    both.sort();
    for words in ["cafe", "caf%C3%A9", "CAF%C3%89"] {
        assert_eq!(found(&fixture, words).await, both, "{words}");
    }
    let first = both.iter().find(|id| **id == fixture.sent[0].id.to_string()).expect("it is there");
    assert_eq!(found(&fixture, "%22the+cafe%22").await, std::slice::from_ref(first));
    assert_eq!(
        shown(&fixture, "%22the+cafe%22").await,
        (first.clone(), vec!["the Café".to_owned()])
    );
}

/// Every conversation of a result shows where the words stand in it.
async fn every_result_shows_its_place(store: TestStore) {
    let fixture = filled(store).await;
    let page = fixture.json("/api/conversations?limit=500&q=invoice").await;
    let list = page["conversations"].as_array().expect("a list");
    assert!(!list.is_empty());
    for one in list {
        let snippet = &one["snippets"][0];
        assert!(!marked(snippet).is_empty(), "{one}");
        assert!(marked(snippet).iter().all(|text| text.eq_ignore_ascii_case("invoice")), "{one}");
        let id: ExchangeId = snippet["requestId"].as_str().expect("an id").parse().expect("an id");
        let sent = fixture.sent.iter().find(|sent| sent.id == id).expect("it was sent");
        let text = [&sent.request[..], &sent.response[..]].concat();
        assert!(String::from_utf8_lossy(&text).contains("invoice"), "{one}");
        let row = fixture.json(&format!("/api/requests/{id}")).await;
        assert_eq!(row["conversationId"], one["conversationId"]);
    }
}

store_tests!(
    every_kind_of_text_is_found_and_shown,
    accents_make_no_difference,
    every_result_shows_its_place,
);
