//! What a batch costs: a few statements, however much is in it.

use nexus_store::{
    store_tests,
    testing::{TestStore, statements_of},
};
use serde_json::json;

use crate::said::{answer, request};

const CONVERSATIONS: i64 = 40;

async fn answers_look_for_children_together(store: TestStore) {
    let (mut requests, mut answers) = (Vec::new(), Vec::new());
    for number in 0..CONVERSATIONS {
        let (id, asked) = request("ours", number, &[format!("question {number}")]);
        requests.push(asked);
        answers.push(answer(id, &json!([{"type": "text", "text": "Well."}]), false));
    }
    store.link(&requests).await.expect("linked");
    let (changes, statements) = statements_of(store.link(&answers)).await;
    assert_eq!(changes.expect("linked").new_facts, answers.len());
    let asks = statements.iter().filter(|text| text.contains("FROM links WHERE parent_id "));
    assert_eq!(asks.count(), 1, "{statements:#?}");
}

async fn an_answer_is_written_beside_its_request(store: TestStore) {
    let (id, asked) = request("ours", 1, &["question"]);
    store.link(&[asked]).await.expect("linked");
    let before = store.find_facts(id).await.expect("read").expect("stored");
    let said = answer(id, &json!([{"type": "text", "text": "Well."}]), false);
    let (changes, statements) = statements_of(store.link(&[said])).await;
    assert_eq!(changes.expect("linked").new_facts, 1);
    let begins = |text: &&String| text.starts_with("INSERT INTO link_facts ");
    let written: Vec<_> = statements.iter().filter(begins).collect();
    let [written] = written[..] else { panic!("{statements:#?}") };
    assert!(written.contains(" answer_facts = excluded.answer_facts"), "{written}");
    for column in ["current_hash", "domain", "at", "request_facts"] {
        assert!(!written.contains(&format!(" {column} = excluded.")), "{column}: {written}");
    }
    let after = store.find_facts(id).await.expect("read").expect("stored");
    assert!(before.place.is_some() && after.place == before.place);
    assert!(before.follow.is_none() && after.follow.is_some());
    assert!(after.request.is_some() && after.is_complete());
}

async fn a_request_behind_its_answer_is_written_whole(store: TestStore) {
    let (id, asked) = request("ours", 1, &["question"]);
    let said = answer(id, &json!([{"type": "text", "text": "Well."}]), false);
    store.link(&[said]).await.expect("linked");
    store.link(&[asked]).await.expect("linked");
    let stored = store.find_facts(id).await.expect("read").expect("stored");
    assert!(stored.request.is_some() && stored.place.is_some() && stored.follow.is_some());
    assert!(stored.is_complete());
    let (child, further) = request("ours", 2, &["question", "Well.", "more"]);
    store.link(&[further]).await.expect("linked");
    let link = store.find_link(child).await.expect("read").expect("a link");
    assert_eq!(link.edge.parent, Some(id), "it is found by its history");
}

store_tests!(
    answers_look_for_children_together,
    an_answer_is_written_beside_its_request,
    a_request_behind_its_answer_is_written_whole,
);
