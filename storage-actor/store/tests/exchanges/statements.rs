//! What a batch costs: a few statements, however much is in it, that touch what they change.

use nexus_contract::TerminalState;
use nexus_store::{
    exchanges::{ExchangePart, Facts},
    store_tests,
    testing::{TestStore, statements_of},
};

use crate::{
    probe::{Place, Probe},
    sample::{history, id, request, response},
};

/// More than the documents of one statement.
const EXCHANGES: u32 = 300;

fn parts(numbers: impl Iterator<Item = u32>) -> Vec<ExchangePart> {
    let halves = |number| [request(number, &history(2)), response(number, b"an answer")];
    numbers.flat_map(halves).collect()
}

fn count(statements: &[String], begin: &str) -> usize {
    statements.iter().filter(|statement| statement.starts_with(begin)).count()
}

async fn a_batch_takes_few_statements(store: TestStore) {
    let parts = parts(1..=EXCHANGES);
    let (stored, statements) = statements_of(store.write_exchanges(&parts)).await;
    assert_eq!(stored.expect("stored").len(), EXCHANGES as usize);
    assert_eq!(count(&statements, "INSERT INTO payloads "), 1, "both halves in one row");
    // 256, 256, 64, 16 and 8.
    assert_eq!(count(&statements, "INSERT INTO search_documents "), 5);
    assert!(statements.len() < 40, "{}: {statements:#?}", statements.len());
    let probe = Probe::open(&store.url).await;
    assert_eq!(probe.count("search_documents").await, i64::from(2 * EXCHANGES));
}

/// What is looked up is prepared once for many numbers of keys: on SQLite for those up to the same power
/// of two, on PostgreSQL for any.
async fn look_ups_of_more_keys_are_the_same_statements(store: TestStore) {
    let few = if store.url.starts_with("sqlite") { 5 } else { 1 };
    let mut texts = Vec::new();
    for count in [few, 8] {
        let ids: Vec<_> = (1..=count).map(id).collect();
        let (linked, statements) = statements_of(store.apply_links(&ids)).await;
        assert!(linked.expect("looked up").is_empty(), "none of them is stored");
        let selects = statements.into_iter().filter(|text| text.starts_with("SELECT "));
        texts.push(selects.collect::<Vec<_>>());
    }
    assert!(!texts[0].is_empty());
    assert_eq!(texts[0], texts[1]);
}

/// PostgreSQL takes rows as arrays, of any length.
async fn more_rows_are_the_same_statement_on_postgres(store: TestStore) {
    let mut texts = Vec::new();
    for numbers in [1..=2, 3..=EXCHANGES] {
        let (stored, statements) = statements_of(store.write_exchanges(&parts(numbers))).await;
        stored.expect("stored");
        let writes = |text: &String| text.starts_with("INSERT INTO usage ");
        texts.push(statements.into_iter().filter(writes).collect::<Vec<_>>());
    }
    assert_eq!(texts[0].len(), 1);
    assert_eq!(texts[0] == texts[1], !store.url.starts_with("sqlite"), "{texts:#?}");
}

async fn a_link_sets_nothing_else(store: TestStore) {
    let probe = Probe::open(&store.url).await;
    probe.play_linker().await;
    store.write_exchanges(&parts(1..=3)).await.expect("stored");
    for number in 1..=3 {
        let place = Place { conversation: id(1).0, branch: "main".to_owned(), kind: "turn" };
        probe.place(id(number).0, &place).await;
    }
    let before = store.find_exchange(id(2)).await.expect("read").expect("stored");
    let ids = [1, 2, 3].map(id);
    let (linked, statements) = statements_of(store.apply_links(&ids)).await;
    assert_eq!(linked.expect("linked").len(), 3);
    let written: Vec<_> = statements
        .iter()
        .filter(|text| text.starts_with("INSERT INTO exchanges ") && text.contains(" DO UPDATE "))
        .collect();
    let [written] = written[..] else { panic!("{statements:#?}") };
    let (_, set) = written.split_once(" DO UPDATE SET ").expect("it sets");
    assert_eq!(
        set.trim_end(),
        "conversation_id = excluded.conversation_id, branch_id = excluded.branch_id, \
         kind = excluded.kind"
    );
    assert_eq!(count(&statements, "UPDATE conversations "), 1);
    assert_eq!(count(&statements, "DELETE FROM conversation"), 0, "nothing was taken away");
    assert!(!statements.iter().any(|text| text.contains("FROM usage")), "{statements:#?}");
    let mut after = store.find_exchange(id(2)).await.expect("read").expect("stored");
    assert_eq!(after.conversation_id, Some(id(1).0));
    assert_eq!(after.kind.as_deref(), Some("turn"));
    after.conversation_id = None;
    after.branch_id = None;
    after.kind = None;
    assert_eq!(after, before);
}

/// Columns that another row of the batch sets stay as they are, and those that become unknown do so.
async fn each_row_of_a_batch_gets_its_own(store: TestStore) {
    let mut aborted = response(1, b"sai");
    let Facts::Response(facts) = &mut aborted.facts else { panic!("an answer") };
    facts.state = TerminalState::Aborted;
    facts.error = Some("cut".to_owned());
    facts.usage = None;
    let asked = [1, 2].map(|number| request(number, &history(2)));
    store.write_exchanges(&[&asked[..], &[aborted]].concat()).await.expect("stored");
    let before = store.find_exchange(id(1)).await.expect("read").expect("stored");
    assert_eq!((before.error.as_deref(), before.input_tokens), (Some("cut"), None));
    let answers = [response(1, b"said"), response(2, b"said"), request(3, &history(2))];
    assert_eq!(store.write_exchanges(&answers).await.expect("stored").len(), 3);
    let one = store.find_exchange(id(1)).await.expect("read").expect("stored");
    assert_eq!((one.error, one.input_tokens, one.response_bytes), (None, Some(1), Some(4)));
    assert_eq!((one.prompt, one.request_bytes), (before.prompt, before.request_bytes));
    let two = store.find_exchange(id(2)).await.expect("read").expect("stored");
    assert_eq!((two.prompt.is_some(), two.input_tokens), (true, Some(2)));
    let three = store.find_exchange(id(3)).await.expect("read").expect("stored");
    assert_eq!((three.state, three.model.as_deref()), (None, Some("model-0")));
}

store_tests!(
    a_batch_takes_few_statements,
    look_ups_of_more_keys_are_the_same_statements,
    more_rows_are_the_same_statement_on_postgres,
    a_link_sets_nothing_else,
    each_row_of_a_batch_gets_its_own,
);
