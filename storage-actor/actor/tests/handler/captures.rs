//! Recorded sessions: bytes come back, columns say what happened.

use nexus_bus::Verdict;
use nexus_contract::LiveTopic;
use nexus_messages::line::parse_line;
use nexus_store::{store_tests, testing::TestStore};

use crate::role::{Role, capture};

const SESSIONS: [&str; 4] = ["s03_tools_resume", "s10_errors", "s40_python_sdk", "s42_ts_threads"];

async fn every_body_comes_back_byte_for_byte(store: TestStore) {
    let role = Role::on(store.store.clone());
    let lines: Vec<_> = SESSIONS.into_iter().flat_map(capture).collect();
    let pairs: Vec<_> = lines.iter().map(|line| parse_line(line).expect("an exchange")).collect();
    // Answers first, and everything twice.
    let events: Vec<_> =
        pairs.iter().flat_map(|(request, response)| [response.clone(), request.clone()]).collect();
    for _ in 0..2 {
        let verdicts = role.handle(events.clone()).await;
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Done), "{verdicts:?}");
    }
    for (request, response) in &pairs {
        let payload = store.find_payload(request.envelope.id).await.expect("read").expect("stored");
        let raw = |event: &nexus_contract::Event| {
            event.body.as_ref().map(|body| body.raw().expect("intact"))
        };
        assert_eq!(payload.request_body, raw(request));
        assert_eq!(payload.response_body, raw(response));
    }
}

async fn columns_say_what_happened(store: TestStore) {
    let mut role = Role::on(store.store.clone());
    let lines = capture("s03_tools_resume");
    let (request, response) = parse_line(&lines[1]).expect("an exchange");
    let id = request.envelope.id;
    role.handle(vec![request, response]).await;
    let row = store.find_exchange(id).await.expect("read").expect("stored");
    assert_eq!(row.request_type.as_deref(), Some("inference"), "{row:?}");
    assert_eq!(row.account_id.as_deref(), Some("acc_test"));
    assert_eq!(row.account_source.as_deref(), Some("credential"));
    assert_eq!(row.state.as_deref(), Some("completed"));
    assert!(row.external_id.as_deref().is_some_and(|id| id.starts_with("s03")));
    assert!(row.output_tokens > Some(0) && row.message_count > Some(0));
    assert!(
        store.find_usage(id).await.expect("read").is_some_and(|raw| raw.contains("output_tokens"))
    );
    let live = role.live.try_recv().expect("it was told");
    assert_eq!((live.topic, live.id), (LiveTopic::Stored, Some(id)));
    let row = live.read::<serde_json::Value>().expect("JSON");
    assert_eq!(row["requestId"], id.to_string());
}

store_tests!(every_body_comes_back_byte_for_byte, columns_say_what_happened);
