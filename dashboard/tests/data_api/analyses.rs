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

/// Asks for the analysis of each conversation, and gives these.
async fn all_asked_for(fixture: &Fixture) -> Vec<Value> {
    let list = fixture.json("/api/conversations?limit=100").await;
    let conversations = list["conversations"].as_array().expect("a list").clone();
    for conversation in &conversations {
        let id = conversation["conversationId"].as_str().expect("an id");
        let new = NewAnalysis {
            branch: Branch {
                conversation_id: ExchangeId::from_external(id),
                branch_id: "main".into(),
            },
            custom_prompt: None,
            requested_by: "somebody".into(),
            at: fixture.now,
        };
        fixture.store.request_analysis(&new).await.expect("made");
    }
    conversations
}

fn sorted_ids<'a>(rows: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let mut ids: Vec<_> = rows.map(|row| row["conversationId"].to_string()).collect();
    ids.sort_unstable();
    ids
}

async fn the_list_is_narrowed_by_domain_account_and_status(store: TestStore) {
    let fixture = filled(store).await;
    let conversations = all_asked_for(&fixture).await;
    let found = async |query: &str| {
        let list = fixture.json(&format!("/api/analyses?{query}")).await;
        sorted_ids(list["analyses"].as_array().expect("a list").iter())
    };
    assert_eq!(found("status=pending").await, sorted_ids(conversations.iter()));
    assert!(found("status=failed").await.is_empty());
    assert!(found("domain=other.example").await.is_empty());
    assert!(found("to=2026-11-01").await.is_empty(), "they were asked for later");
    let first = &conversations[0];
    let domain = first["domain"].as_str().expect("a domain");
    let of_domain = conversations.iter().filter(|row| row["domain"] == domain);
    let expected = sorted_ids(of_domain);
    assert!((1..conversations.len()).contains(&expected.len()), "of some domains: {expected:?}");
    assert_eq!(found(&format!("domain={domain}")).await, expected);
    let account = first["accountIds"][0].as_str().expect("an account");
    let has = |row: &&Value| {
        row["accountIds"].as_array().is_some_and(|all| all.contains(&json!(account)))
    };
    let expected = sorted_ids(conversations.iter().filter(has));
    assert_eq!(found(&format!("accountId={account}")).await, expected);
}

/// One after the other, each once, without their results.
async fn the_list_comes_in_pages(store: TestStore) {
    let fixture = filled(store).await;
    let conversations = all_asked_for(&fixture).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = fixture.json(&format!("/api/analyses?limit=5&cursor={cursor}")).await;
        seen.extend(page["analyses"].as_array().expect("a list").iter().cloned());
        let Some(next) = page["nextCursor"].as_str() else { break };
        next.clone_into(&mut cursor);
        assert!(seen.len() < conversations.len(), "the last page knows that it is the last");
    }
    assert_eq!(sorted_ids(seen.iter()), sorted_ids(conversations.iter()));
    assert!(seen.iter().all(|job| job.get("content").is_none() && job["status"] == "pending"));
}

store_tests!(
    the_list_is_narrowed_by_domain_account_and_status,
    the_list_comes_in_pages,
    an_analysis_is_found_under_every_exchange_of_its_conversation,
    a_job_of_a_former_id_does_not_hide_the_present_one,
    asking_again_queues_a_failed_job_alone,
);
