//! So many conversations begin with the same words that not all of them are looked at.

use nexus_linking::{Fact, reference::link_all};
use nexus_store::{store_tests, testing::TestStore};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};

use crate::{
    convergence::at_once,
    said::{answer, request},
    tables::{Tables, difference},
};

store_tests!(a_crowd_is_linked_as_if_all_of_it_were_looked_at);

/// Several times as many as are compared.
const CONVERSATIONS: i64 = 80;

async fn a_crowd_is_linked_as_if_all_of_it_were_looked_at(store: TestStore) {
    let tables = Tables::open(&store.url).await;
    let mut facts = crowd();
    let reference = link_all(&facts).await;
    let (expected, wrong) = at_once(&store, &tables, &facts, &reference).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut random = StdRng::seed_from_u64(11);
    // The first time about as it happened.
    for order in 0..5 {
        tables.clear().await;
        for batch in facts.chunks(13) {
            store.link(batch).await.expect("linked");
        }
        let differences = difference(&expected, &tables.dump().await);
        assert!(differences.is_empty(), "order {order}: {differences:#?}");
        facts.shuffle(&mut random);
    }
}

fn crowd() -> Vec<Fact> {
    let mut facts = Vec::new();
    for number in 0..CONVERSATIONS {
        let (id, asked) = request(domain(number), number, &["hi"]);
        facts.push(asked);
        facts.push(answer(id, &said(number), number % 7 == 0));
    }
    for number in 0..CONVERSATIONS {
        let heard = match number % 5 {
            0 => json!("Nothing that anybody said."),
            1 => json!([{"type": "text", "text": "Told otherwise."}, call(number)]),
            _ => said(number),
        };
        let history = [json!("hi"), heard, json!("go on")];
        let (id, asked) = request(domain(number), 100 + number, &history);
        facts.push(asked);
        facts.push(answer(id, &json!([{"type": "text", "text": "Well."}]), false));
    }
    facts
}

fn domain(number: i64) -> &'static str {
    if number % 4 == 0 { "theirs" } else { "ours" }
}

/// The same words to every third.
fn said(number: i64) -> Value {
    let text = if number % 3 == 0 { "Hello.".to_owned() } else { format!("Hello, {number}.") };
    json!([{"type": "text", "text": text}, call(number)])
}

/// To every third under the same id.
fn call(number: i64) -> Value {
    let id = if number % 3 == 0 { 0 } else { number };
    json!({"type": "tool_use", "id": format!("toolu_{id}"), "name": "Read", "input": {}})
}
