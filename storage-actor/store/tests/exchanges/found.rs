//! What a search for conversations costs, and the places that it shows.

use jiff::tz::TimeZone;
use nexus_contract::Headers;
use nexus_store::{
    exchanges::ExchangePart,
    queries::{ConversationFilter, Paging, Search},
    store_tests,
    testing::{TestStore, statements_of},
};

use crate::{
    probe::{Place, Probe},
    retention::opened,
    sample::{history, id, request, response},
};

/// What the first HTML of a page may take.
const MAX_STATEMENTS: usize = 5;

const ASKED: &str = r#"{"messages":[{"role":"user","content":"Where does the heron nest?"}]}"#;
const SAID: &str = r#"{"role":"assistant","content":[{"type":"text","text":"A heron said so."}]}"#;

fn about_herons(part: ExchangePart) -> ExchangePart {
    ExchangePart { search_text: "a heron".to_owned(), ..part }
}

fn headed(part: ExchangePart, name: &'static str, value: &'static str) -> ExchangePart {
    ExchangePart { headers: Headers::recorded([(name, value.as_bytes())]), ..part }
}

/// A conversation of one exchange.
async fn store_conversation(
    store: &TestStore,
    probe: &Probe,
    number: u32,
    halves: &[ExchangePart; 2],
) {
    let place = Place { conversation: id(number).0, branch: "main".to_owned(), kind: "turn" };
    probe.place(id(number).0, &place).await;
    store.write_exchanges(halves).await.expect("stored");
}

/// Said in a request that was cut, in one that was compressed, and in an answer.
async fn store_herons(store: &TestStore) {
    let probe = opened(store).await;
    let compressed = zstd::encode_all(ASKED.as_bytes(), 0).expect("it compresses");
    let whole = headed(request(2, &compressed), "content-encoding", "zstd");
    let answer = headed(response(3, SAID.as_bytes()), "content-type", "application/json");
    let conversations = [
        [about_herons(request(1, ASKED.as_bytes())), response(1, b"nothing")],
        [about_herons(whole), response(2, b"nothing")],
        [request(3, &history(2)), about_herons(answer)],
    ];
    for (number, halves) in (1..).zip(&conversations) {
        store_conversation(store, &probe, number, halves).await;
    }
}

fn filter(text: &str) -> ConversationFilter {
    let search = Search::parse(text, &TimeZone::UTC).expect("a search");
    ConversationFilter { search, ..ConversationFilter::default() }
}

async fn a_search_for_everything_takes_few_statements(store: TestStore) {
    store_herons(&store).await;
    let everything = filter("heron model:model tool:bash tool:Read tokens:>1");
    let (page, statements) =
        statements_of(store.list_conversations(&everything, &Paging::default())).await;
    let page = page.expect("a page");
    let matches: Vec<_> = page
        .items
        .iter()
        .flat_map(|one| &one.snippets)
        .flat_map(|snippet| snippet.parts.iter().filter(|part| part.is_match))
        .map(|part| part.text.as_str())
        .collect();
    assert_eq!(matches, ["heron"; 3], "one place in each: {page:?}");
    assert!(statements.len() <= MAX_STATEMENTS, "{statements:#?}");
}

/// Models and tools are read together, and told apart.
async fn a_name_of_a_tool_is_none_of_a_model(store: TestStore) {
    store_herons(&store).await;
    for (text, count) in [
        ("model:model tool:bash", 3),
        ("model:bash tool:bash", 0),
        ("model:model tool:model-1", 0),
        ("model:model-1", 1),
        ("tool:READ", 3),
        ("tool:bash tool:nothing", 0),
    ] {
        let page = store.list_conversations(&filter(text), &Paging::default()).await;
        assert_eq!(page.expect("a page").items.len(), count, "{text}");
    }
}

store_tests!(a_search_for_everything_takes_few_statements, a_name_of_a_tool_is_none_of_a_model);
