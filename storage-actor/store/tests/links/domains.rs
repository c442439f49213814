//! Domains begin with the same words, and none sees what another goes on with.

use jiff::Timestamp;
use nexus_contract::ExchangeId;
use nexus_linking::{
    Fact,
    facts::{RequestContext, RequestFacts},
};
use nexus_messages::{identity::Identity, request::Request};
use nexus_store::{store_tests, testing::TestStore};
use serde_json::json;

store_tests!(a_late_beginning_is_found_where_another_domain_came_first);

/// The words of a history, said by the user and the model in turn.
fn request(domain: &str, second: i64, words: &[&str]) -> (ExchangeId, Fact) {
    let messages = words.iter().enumerate().map(|(turn, word)| {
        let role = if turn % 2 == 0 { "user" } else { "assistant" };
        json!({"role": role, "content": word})
    });
    let body = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 100, "messages": messages.collect::<Vec<_>>(),
    });
    let body = body.to_string();
    let id = ExchangeId::from_external(&format!("{domain}-{second}"));
    let at = Timestamp::from_second(1_760_000_000 + second).expect("in range");
    let context = RequestContext { id, at, domain, names_session: false };
    let request = Request::parse(body.as_bytes()).expect("a request");
    let facts = RequestFacts::read(&context, &Identity::default(), &request);
    (id, Fact::Request(id, Box::new(facts)))
}

async fn parent(store: &TestStore, id: ExchangeId) -> Option<ExchangeId> {
    store.find_link(id).await.expect("read").expect("a link").edge.parent
}

async fn a_late_beginning_is_found_where_another_domain_came_first(store: TestStore) {
    let (_, foreign) = request("theirs", 0, &["fix it", "how?", "well"]);
    let (late, beginning) = request("ours", 10, &["fix it"]);
    let (child, going_on) = request("ours", 20, &["fix it", "how?", "quickly"]);
    let (further, further_on) = request("ours", 30, &["fix it", "how?", "quickly", "done", "more"]);
    store.link(&[foreign]).await.expect("linked");
    store.link(&[going_on, further_on]).await.expect("linked");
    assert_eq!(parent(&store, child).await, None);
    store.link(&[beginning]).await.expect("linked");
    assert_eq!(parent(&store, child).await, Some(late));
    assert_eq!(parent(&store, further).await, Some(child));
    let (deep, foreign) = request("theirs", 40, &["fix it", "how?", "quickly", "done", "else"]);
    let (between, foreign_too) = request("theirs", 35, &["fix it", "how?", "quickly"]);
    store.link(&[foreign]).await.expect("linked");
    store.link(&[foreign_too]).await.expect("linked");
    assert_eq!(parent(&store, deep).await, Some(between));
}
