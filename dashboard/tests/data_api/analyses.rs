//! Analyses under the ids that a script may have at hand.

use actix_web::http::StatusCode;
use nexus_contract::ExchangeId;
use nexus_store::{
    analyses::{Branch, NewAnalysis, Requested},
    store_tests,
    testing::TestStore,
};
use serde_json::{Value, json};

use crate::fixture::{Fixture, filled};

/// A conversation, one of its branches, and an exchange in it whose id is not the conversation's.
async fn somewhere(fixture: &Fixture) -> (String, String, String) {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = fixture.json("/api/conversations").await;
    for row in list["conversations"].as_array().expect("a list") {
        let id = text(&row["conversationId"]);
        let graph = fixture.json(&format!("/api/conversations/{id}")).await;
        let nodes = graph["nodes"].as_array().expect("nodes");
        if let Some(node) = nodes.iter().find(|node| node["requestId"] != id.as_str()) {
            return (id, text(&graph["branches"][0]["branchId"]), text(&node["requestId"]));
        }
    }
    panic!("no conversation has a second exchange: {list}");
}

async fn an_analysis_is_found_under_every_exchange_of_its_conversation(store: TestStore) {
    let fixture = filled(store).await;
    let (conversation, branch, exchange) = somewhere(&fixture).await;
    let wanted = json!({"conversationId": exchange, "branchId": branch}).to_string();
    let (status, body) = fixture.post("/api/analyses", &wanted).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    for id in [&conversation, &exchange] {
        let job = fixture.json(&format!("/api/analyses/{id}/{branch}")).await;
        assert_eq!(job["conversationId"], conversation.as_str(), "{id}");
    }
    let again = format!("/api/analyses/{exchange}/{branch}/regenerate");
    let (status, body) = fixture.post(&again, "{}").await;
    let job: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, &job["run"]), (StatusCode::OK, &json!(2)), "{body}");
    let (status, _) = fixture.get(&format!("/api/analyses/{exchange}/no-such-branch")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

/// GET took the job of the former id, POST that of the present one.
async fn a_job_of_a_former_id_does_not_hide_the_present_one(store: TestStore) {
    let fixture = filled(store).await;
    let (conversation, branch, exchange) = somewhere(&fixture).await;
    let wanted = json!({"conversationId": conversation, "branchId": branch}).to_string();
    let (status, body) = fixture.post("/api/analyses", &wanted).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    let former = ExchangeId::from_external(&exchange);
    let new = NewAnalysis {
        branch: Branch { conversation_id: former, branch_id: branch.clone() },
        custom_prompt: None,
        requested_by: "somebody".into(),
        at: fixture.now,
    };
    let made = fixture.store.request_analysis(&new).await.expect("made");
    assert!(matches!(made, Requested::Created(_)), "{made:?}");
    let job = fixture.json(&format!("/api/analyses/{exchange}/{branch}")).await;
    assert_eq!(job["conversationId"], conversation.as_str());
}

/// A job that is there is left as it is; one that failed is queued again with a fresh count.
async fn asking_again_queues_a_failed_job_alone(store: TestStore) {
    let fixture = filled(store).await;
    let (conversation, branch, _) = somewhere(&fixture).await;
    let wanted = json!({"conversationId": conversation, "branchId": branch}).to_string();
    let ask = async || {
        let (status, body) = fixture.post("/api/analyses", &wanted).await;
        (status, serde_json::from_str::<Value>(&body).expect("JSON"))
    };
    let (status, job) = ask().await;
    assert_eq!((status, &job["run"]), (StatusCode::CREATED, &json!(1)), "{job}");
    let (status, job) = ask().await;
    assert_eq!((status, &job["run"]), (StatusCode::OK, &json!(1)), "{job}");

    let failed = fixture.store.fail_exceeded_analyses(0, fixture.now).await.expect("failed");
    assert_eq!(failed.len(), 1);
    let job = fixture.json(&format!("/api/analyses/{conversation}/{branch}")).await;
    assert_eq!((&job["status"], &job["content"]), (&json!("failed"), &Value::Null));
    assert_eq!(job["error"]["code"], "attempts_exceeded");
    let (status, job) = ask().await;
    assert_eq!((status, &job["status"]), (StatusCode::OK, &json!("pending")), "{job}");
    assert_eq!((&job["run"], &job["attempts"]), (&json!(2), &json!(0)));
    assert_eq!(job["error"], Value::Null);
}

store_tests!(
    an_analysis_is_found_under_every_exchange_of_its_conversation,
    a_job_of_a_former_id_does_not_hide_the_present_one,
    asking_again_queues_a_failed_job_alone,
);
