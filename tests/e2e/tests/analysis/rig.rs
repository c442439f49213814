//! Processes, a scripted Gemini, and scripts of the data API.

use std::time::Duration;

use nexus_e2e::{Nexus, NexusBuilder, http_client, nexus::DASHBOARD_KEY, wait};
use nexus_scripted::{Gemini, Request, Server};
use serde_json::{Value, json};

/// No case takes as long as this.
pub const PATIENCE: Duration = Duration::from_mins(4);

pub fn gemini() -> Server {
    Server::local(Gemini::default()).expect("a port")
}

/// A process that may ask this Gemini, and looks often. No client ever comes.
pub fn builder(role: &str, gemini: &Server) -> NexusBuilder {
    NexusBuilder::new(role, "http://127.0.0.1:9")
        .env("AI_WORKER_ENABLED", "true")
        .env("AI_WORKER_POLL_INTERVAL_MS", "200")
        .env("GEMINI_API_KEY", "key")
        .env("GEMINI_API_URL", format!("{}/v1beta/models", gemini.url()))
        .env("AI_ANALYSIS_RATE_LIMIT_CREATION", "10000/min")
        .env("AI_ANALYSIS_RATE_LIMIT_RETRIEVAL", "100000/min")
}

/// Posts to the data API; the answer's JSON.
pub async fn post(nexus: &Nexus, path: &str, body: String) -> Value {
    let url = format!("{}/api/{path}", nexus.dashboard());
    let request = http_client().post(&url).header("x-dashboard-key", DASHBOARD_KEY);
    let answer = request.header("content-type", "application/json").body(body).send().await;
    let answer = answer.expect("an answer");
    let status = answer.status();
    let text = answer.text().await.expect("its text");
    assert!(status.is_success(), "{path}: {status}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

/// A branch of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    pub conversation: String,
    pub id: String,
}

/// The branch that the exchange of this name is on.
pub async fn branch_of(nexus: &Nexus, name: &str) -> Branch {
    let found = nexus.api().conversation(name).await.expect("a conversation");
    let nodes = found["nodes"].as_array().expect("nodes");
    let node = nodes.iter().find(|node| node["externalId"] == name).expect("its node");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    Branch { conversation: text(&found["conversationId"]), id: text(&node["branchId"]) }
}

pub async fn ask(nexus: &Nexus, branch: &Branch) -> Value {
    let wanted = json!({"conversationId": branch.conversation, "branchId": branch.id});
    post(nexus, "analyses", wanted.to_string()).await
}

/// The job once it is as wanted.
pub async fn job(nexus: &Nexus, branch: &Branch, wanted: impl Fn(&Value) -> bool) -> Value {
    let path = format!("analyses/{}/{}", branch.conversation, branch.id);
    wait::until(&path, PATIENCE, async || {
        let job = nexus.api().get(&path).await.ok()?;
        wanted(&job).then_some(job)
    })
    .await
}

pub fn is_completed(job: &Value) -> bool {
    assert_ne!(job["status"], "failed", "{job}");
    job["status"] == "completed"
}

/// The transcript that a request to Gemini holds.
pub fn transcript(request: &Request) -> String {
    let body = request.json();
    body["contents"][0]["parts"][1]["text"].as_str().expect("a transcript").to_owned()
}

/// A conversation of one prompt, stored.
pub async fn told(front: &Nexus, name: &str, text: &str) -> Branch {
    let line = json!({
        "id": name, "at": "2026-11-01T00:00:00Z", "domain": "team.example",
        "request": {"method": "POST", "path": "/v1/messages", "headers": {},
            "body": {"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}},
        "response": {"status": 200, "headers": {}, "body": {"type": "message", "role": "assistant",
            "model": "claude-x", "content": [{"type": "text", "text": format!("answer to {name}")}],
            "usage": {"input_tokens": 1, "output_tokens": 1}}},
    });
    post(front, "import", line.to_string()).await;
    branch_of(front, name).await
}
