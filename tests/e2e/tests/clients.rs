//! Real clients through `nexus up`: they notice nothing, and what they did is stored and linked.

use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::clients::{self, ClaudeCode, Login};
use nexus_e2e::{Nexus, wait};
use nexus_scripted::{Anthropic, Server};
use serde_json::{Value, json};

const DRAIN: Duration = Duration::from_secs(20);

async fn start() -> (Server, Nexus) {
    let upstream =
        Server::local(Anthropic::new(Arc::new(SystemClock), "e2e")).expect("a free port");
    let nexus = Nexus::up(&upstream.url()).await.expect("nexus starts");
    (upstream, nexus)
}

/// What both SDK scripts must have seen.
fn assert_sdk(found: &Value, nexus: &Nexus) {
    assert_eq!(found["plain"], "Blue – “bleu” 🔵");
    assert_eq!((&found["pieces"], &found["stream"]), (&json!("Red"), &json!("Red")));
    assert_eq!(found["tool"], json!({"city": "Paris"}));
    assert_eq!((&found["tool_answer"], &found["error"]), (&json!("Sunny"), &json!("model: gpt")));
    assert!(found["tokens"].as_u64().is_some_and(|tokens| tokens > 0));
    assert!(found["models"].as_array().is_some_and(|models| models.len() > 3));
    assert_eq!(found["retried"], "survived");
    assert!(found["nexus_id"].is_string(), "{}", nexus.log());
}

#[tokio::test]
async fn the_python_sdk_works_unchanged() {
    let (_upstream, nexus) = start().await;
    let found =
        clients::python("sdk.py", &nexus.url(), &Login::default()).await.expect("the script runs");
    assert_sdk(&found, &nexus);
    stored_as_the_sdk_sent(&nexus).await;
}

#[tokio::test]
async fn the_typescript_sdk_works_unchanged() {
    let (_upstream, nexus) = start().await;
    let found =
        clients::node("sdk.mjs", &nexus.url(), &Login::default()).await.expect("the script runs");
    assert_sdk(&found, &nexus);
    stored_as_the_sdk_sent(&nexus).await;
}

/// Seven messages: two of a talk, two of a tool's use, an error, one refused and tried again.
async fn stored_as_the_sdk_sent(nexus: &Nexus) {
    let requests = nexus.drained(7, DRAIN).await;
    assert_eq!(requests.len(), 7, "{requests:#?}");
    let count = |key: &str, value: &str| requests.iter().filter(|r| r[key] == value).count();
    assert_eq!((count("state", "completed"), count("state", "upstream_error")), (5, 2));
    let links = async || {
        let requests = nexus.api().requests("").await.ok()?;
        let turns = requests.iter().filter(|r| r["kind"] == "turn").count();
        (turns >= 2).then_some(requests)
    };
    let linked = wait::until("two linked turns", DRAIN, links).await;
    let attempts = linked.iter().filter(|r| r["kind"] == "attempt").count();
    assert_eq!(attempts, 1, "{linked:#?}");
}

#[tokio::test]
async fn a_resumed_session_of_claude_code_is_one_conversation() {
    let (_upstream, nexus) = start().await;
    let claude = ClaudeCode::new(&nexus.url()).expect("a home");
    let path = claude.project().join("notes.txt");
    std::fs::write(&path, "alpha\nbeta\n").expect("a file");
    let prompt = format!(
        "Look at the notes [[think: Let me see.]]+[[bash: ls -1]] [[read: {}]] [[say: Two notes.]]",
        path.display()
    );
    let first = claude.prompt(&prompt, None).await.expect("an answer");
    assert_eq!((&first["result"], &first["is_error"]), (&json!("Two notes."), &json!(false)));
    let session = first["session_id"].as_str().expect("a session").to_owned();
    let more = "Count them [[bash: wc -l notes.txt]] [[say: There are two.]]";
    let second = claude.prompt(more, Some(&session)).await.expect("an answer");
    assert_eq!(second["result"], "There are two.");

    let conversation = one_conversation(&nexus, 5).await;
    let nodes = conversation["nodes"].as_array().expect("nodes");
    let kinds: Vec<&str> = nodes.iter().filter_map(|node| node["kind"].as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "turn").count(), 4, "{kinds:?}");
    assert!(nodes.iter().all(|node| node["branchId"] == "main"), "{nodes:#?}");
}

#[tokio::test]
async fn a_sub_agent_belongs_to_its_call() {
    let (_upstream, nexus) = start().await;
    let claude = ClaudeCode::new(&nexus.url()).expect("a home");
    let prompt = "Delegate [[agent: Count the files. [[bash: ls]] [[say: 3 files]]]] [[say: The agent says 3.]]";
    let answer = claude.prompt(prompt, None).await.expect("an answer");
    assert_eq!(answer["result"], "The agent says 3.");

    let conversation = one_conversation(&nexus, 4).await;
    let nodes = conversation["nodes"].as_array().expect("nodes");
    let sub: Vec<&Value> = nodes.iter().filter(|node| node["branchId"] == "subtask_1").collect();
    assert_eq!(sub.len(), 2, "{nodes:#?}");
    let root = nodes.iter().find(|node| node["kind"] == "root").expect("a root");
    let first =
        sub.iter().find(|node| node["kind"] == "subagent").expect("the agent's first request");
    assert_eq!(first["parentTaskRequestId"], root["requestId"]);
}

#[tokio::test]
async fn a_compaction_stays_in_its_conversation() {
    let (_upstream, nexus) = start().await;
    let claude = ClaudeCode::new(&nexus.url()).expect("a home");
    let first = claude
        .prompt("Remember the apples [[bash: echo apples]] [[say: Noted.]]", None)
        .await
        .expect("an answer");
    let session = first["session_id"].as_str().expect("a session").to_owned();
    claude.prompt("/compact", Some(&session)).await.expect("a compaction");
    let last =
        claude.prompt("What was it? [[say: Apples.]]", Some(&session)).await.expect("an answer");
    assert_eq!(last["result"], "Apples.");

    let conversation = one_conversation(&nexus, 4).await;
    let nodes = conversation["nodes"].as_array().expect("nodes");
    assert!(nodes.iter().any(|node| node["kind"] == "compact"), "{nodes:#?}");
}

/// Waits until all that has been sent is one conversation of this size, and gives it.
async fn one_conversation(nexus: &Nexus, size: usize) -> Value {
    let api = nexus.api();
    let found = async || {
        let conversations = api.conversations("").await.ok()?;
        let [only] = conversations.as_slice() else { return None };
        let whole = api.conversation(only["conversationId"].as_str()?).await.ok()?;
        let complete = whole["nodes"].as_array()?.len() >= size && api.is_drained().await;
        if complete { api.conversation(only["conversationId"].as_str()?).await.ok() } else { None }
    };
    wait::until("one conversation", DRAIN, found).await
}
