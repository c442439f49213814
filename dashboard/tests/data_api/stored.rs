//! What is there of an exchange whose halves come one after the other, and of a session that goes on
//! from nothing.

use std::collections::HashSet;

use actix_web::http::StatusCode;
use nexus_contract::Event;
use nexus_messages::PriceTable;
use nexus_scripted::generate::Exchange;
use nexus_storage::prepare::{Work, prepare};
use nexus_store::{store_tests, testing::TestStore};
use serde_json::json;

use crate::{
    fixture::{Fixture, over},
    sample::{exchange, now},
};

fn step(number: u32) -> Exchange {
    let asked = json!([{"role": "user", "content": format!("step {number}")}]);
    exchange(number, "s", &asked, &json!([{"type": "text", "text": "done"}]))
}

async fn write(fixture: &Fixture, event: &Event) {
    let work = prepare(event, &PriceTable::listed()).expect("a sound event");
    let Work::Write(part) = work else { panic!("half of an exchange is written") };
    fixture.store.write_exchanges(&[*part]).await.expect("stored");
}

async fn a_body_that_is_not_stored_yet_is_not_found(store: TestStore) {
    let fixture = over(store, vec![step(9)], now(), |_| {}).await;
    let one = Exchange { response: Vec::new(), ..step(1) };
    let [request, response] =
        ["request", "response"].map(|part| format!("/api/requests/{}/body/{part}", one.id));
    let [received, finished] = one.events().expect("bodies compress");
    assert_eq!(fixture.get(&request).await.0, StatusCode::NOT_FOUND);
    write(&fixture, &received).await;
    let (status, body) = fixture.get(&request).await;
    assert_eq!((status, body.as_bytes()), (StatusCode::OK, &one.request[..]));
    let (status, body) = fixture.get(&response).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{body}");
    assert!(body.contains("yet"), "{body}");
    write(&fixture, &finished).await;
    // An empty answer is one.
    assert_eq!(fixture.get(&response).await, (StatusCode::OK, String::new()));
    let (status, _) = fixture.get(&format!("/api/requests/{}/body/trailer", one.id)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

/// An analysis reads on before such exchanges: they do not repeat what came before them.
async fn what_the_session_alone_joins_is_a_beginning(store: TestStore) {
    let fixture = over(store, vec![step(1), step(2)], now(), |_| {}).await;
    let [first, second] = [0, 1].map(|turn: usize| fixture.sent[turn].id);
    let request = fixture.json(&format!("/api/requests/{second}")).await;
    assert_eq!(request["link"]["method"], "session");
    assert_eq!(request["conversationId"], first.to_string());
    let beginnings = fixture.store.list_beginnings(first).await.expect("they are listed");
    assert_eq!(beginnings, HashSet::from([second]));
}

store_tests!(
    a_body_that_is_not_stored_yet_is_not_found,
    what_the_session_alone_joins_is_a_beginning,
);
