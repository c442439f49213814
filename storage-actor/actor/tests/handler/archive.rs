//! What was stored can be taken out, and stored elsewhere it is the same.

use nexus_bus::Verdict;
use nexus_contract::Event;
use nexus_messages::line::parse_line;
use nexus_store::{
    archive::{Selection, export, restore},
    exchanges::ExchangeRow,
    store_tests,
    testing::{self, TestStore},
};

use crate::role::{Role, capture};

async fn filled(store: &TestStore, session: &str) {
    let role = Role::on(store.store.clone());
    for line in capture(session) {
        let (request, response) = parse_line(&line).expect("an exchange");
        role.handle(vec![request, response]).await;
    }
}

/// All rows, in pages.
async fn rows(store: &TestStore, selection: &Selection) -> Vec<ExchangeRow> {
    let mut all: Vec<ExchangeRow> = Vec::new();
    loop {
        let page = store.list_exchanges(selection, all.last(), 3).await.expect("listed");
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

async fn restored_events_give_the_same_rows_on_the_other_engine(store: TestStore) {
    filled(&store, "s10_errors").await;
    let other = match (store.engine(), testing::postgres().await) {
        ("sqlite", Some(other)) => other,
        _ => testing::sqlite().await,
    };
    let role = Role::on(other.store.clone());
    for row in rows(&store, &Selection::default()).await {
        let (request, response) = restore(&*store.store, &row).await.expect("restored");
        let events: Vec<Event> = [response, request].into_iter().flatten().collect();
        assert_eq!(role.handle(events).await, [Verdict::Done, Verdict::Done]);
        let copy = other.find_exchange(row.id()).await.expect("read");
        assert_eq!(copy.as_ref(), Some(&row));
        let payload = store.find_payload(row.id()).await.expect("read");
        assert_eq!(other.find_payload(row.id()).await.expect("read"), payload);
    }
}

async fn exported_lines_are_what_was_imported(store: TestStore) {
    filled(&store, "s42_ts_threads").await;
    let selection = Selection { domain: Some("team.example".to_owned()), ..Selection::default() };
    let rows = rows(&store, &selection).await;
    let lines = capture("s42_ts_threads");
    assert_eq!(rows.len(), lines.len());
    for (row, line) in rows.iter().zip(&lines) {
        let exported =
            export(&*store.store, row).await.expect("exported").to_line().expect("a line");
        let (request, response) = parse_line(&exported).expect("an exchange");
        let (expected_request, expected_response) = parse_line(line).expect("an exchange");
        assert_eq!(request.body, expected_request.body);
        assert_eq!(response.body, expected_response.body);
        assert_eq!(request.envelope.id, expected_request.envelope.id);
        assert_eq!(request.envelope.at, expected_request.envelope.at);
    }
    let nobody = Selection { domain: Some("other.example".to_owned()), ..Selection::default() };
    assert!(store.list_exchanges(&nobody, None, 10).await.expect("listed").is_empty());
}

store_tests!(
    restored_events_give_the_same_rows_on_the_other_engine,
    exported_lines_are_what_was_imported,
);
