//! A conversation of 5,000 requests with everything that makes pages large: tool steps, forks,
//! sub-agents, errors, long texts.

use jiff::{SignedDuration, Timestamp};
use nexus_contract::{ExchangeId, Headers, TerminalState};
use nexus_store::{
    bodies::KeyedBody,
    exchanges::{
        Account, AccountSource, ExchangePart, Facts, RequestFacts, ResponseFacts, UsageFacts,
    },
    testing::TestStore,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::SqlitePool;

pub const REQUESTS: u32 = 5_000;
/// Every so many requests a sub-agent works, for a few of them; every so many a fork begins.
const TASKS: u32 = 25;
const TASK_STEPS: u32 = 5;
const FORKS: u32 = 400;
/// Two with long histories that have nothing in common.
pub const LONG: [u32; 2] = [1_010, 1_410];
const HISTORY: u32 = 300;

pub fn id(number: u32) -> ExchangeId {
    ExchangeId::from_external(&format!("large {number}"))
}

pub fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("an instant")
}

fn at(number: u32) -> Timestamp {
    now() - SignedDuration::from_secs(i64::from(REQUESTS - number) * 15)
}

fn is_task(number: u32) -> bool {
    number >= TASKS && number % TASKS < TASK_STEPS
}

fn branch(number: u32) -> String {
    match (is_task(number), number / FORKS) {
        (true, _) => format!("subtask_{}", number / TASKS),
        (false, 0) => "main".into(),
        (false, fork) => format!("branch_{fork}"),
    }
}

/// The latest one before it on its branch; the first of a fork leaves the branch before.
fn parent(number: u32) -> Option<u32> {
    let before = |wanted: &dyn Fn(u32) -> bool| (0..number).rev().take(40).find(|n| wanted(*n));
    match is_task(number) {
        true if number.is_multiple_of(TASKS) => None,
        true => Some(number - 1),
        false => before(&|n| !is_task(n)),
    }
}

fn half(number: u32, facts: Facts, body: KeyedBody, text: String) -> ExchangePart {
    ExchangePart {
        id: id(number),
        at: at(number),
        domain: "team.example".to_owned(),
        gateway: "one".to_owned(),
        account: Some(Account { name: "acc_team".to_owned(), source: AccountSource::Credential }),
        headers: Headers::recorded([("content-type", b"application/json".as_slice())]),
        body: Some(body),
        search_text: text,
        facts,
    }
}

fn system(number: u32) -> String {
    let lines = if LONG.contains(&number) { HISTORY } else { 1 };
    let rules = (0..lines).map(|line| format!("rule {line} of {}", number * (lines - 1)));
    rules.collect::<Vec<_>>().join("\n")
}

fn messages(number: u32, text: &str) -> Vec<Value> {
    let history = if LONG.contains(&number) { HISTORY } else { 0 };
    let told = (0..history).map(|turn| {
        let role = if turn.is_multiple_of(2) { "user" } else { "assistant" };
        json!({"role": role, "content": format!("{number}, {turn}: {}", "as it was told\n".repeat(30))})
    });
    told.chain([json!({"role": "user", "content": text})]).collect()
}

fn halves(number: u32) -> [ExchangePart; 2] {
    let is_human = number.is_multiple_of(10);
    let text = format!("step {number}: {}", "look at it once more, carefully. ".repeat(20));
    let (system, messages) = (system(number), messages(number, &text));
    let request = json!({"model": "claude-opus-4-5", "system": system, "messages": messages});
    let answer = json!({"role": "assistant", "content": [
        {"type": "text", "text": text},
        {"type": "tool_use", "id": format!("toolu_{number}"), "name": "Bash", "input": {"command": "ls"}},
    ]});
    let request_facts = RequestFacts {
        method: "POST".to_owned(),
        path: "/v1/messages".to_owned(),
        complete: true,
        model: Some("claude-opus-4-5".to_owned()),
        request_type: Some("inference".to_owned()),
        message_count: Some(i64::from(number) * 2 + 1),
        last_message_kind: Some(if is_human { "human" } else { "tool_result" }.to_owned()),
        prompt: is_human.then(|| text.chars().take(200).collect()),
        ..RequestFacts::default()
    };
    let response_facts = ResponseFacts {
        state: if number.is_multiple_of(97) {
            TerminalState::UpstreamError
        } else {
            TerminalState::Completed
        },
        status: Some(200),
        first_byte_ms: Some(400),
        duration_ms: 9_000,
        upstream_ms: Some(8_900),
        upstream_calls: 1,
        error: None,
        stop_reason: Some("tool_use".to_owned()),
        model: Some("claude-opus-4-5".to_owned()),
        tool_names: vec!["Bash".to_owned()],
        preview: Some(text.chars().take(200).collect()),
        usage: Some(UsageFacts {
            input: 5,
            output: 300,
            cache_read: if number.is_multiple_of(13) { 0 } else { 90_000 },
            cache_creation_5m: 900,
            cache_creation_1h: 0,
            cost_nanos: Some(40_000_000),
            raw: "{}".to_owned(),
        }),
        windows: Vec::new(),
    };
    let (request, answer) = (request.to_string(), answer.to_string());
    [
        half(
            number,
            Facts::Request(Box::new(request_facts)),
            KeyedBody::of_request(request.as_bytes(), Sha256::digest(&request).into()),
            text.clone(),
        ),
        half(
            number,
            Facts::Response(Box::new(response_facts)),
            KeyedBody::of_response(answer.as_bytes(), Sha256::digest(&answer).into()),
            text,
        ),
    ]
}

/// Writes it, with links as the linker would have decided them.
pub async fn fill(store: &TestStore) {
    let parts: Vec<_> = (0..REQUESTS).flat_map(halves).collect();
    for some in parts.chunks(500) {
        store.write_exchanges(some).await.expect("stored");
    }
    link(&store.url).await;
    let ids: Vec<_> = (0..REQUESTS).map(id).collect();
    for some in ids.chunks(500) {
        store.apply_links(some).await.expect("linked");
    }
}

const TABLE: &str = "CREATE TABLE link_states (exchange_id BLOB PRIMARY KEY, conversation_id BLOB, \
    branch_id TEXT, kind TEXT, parent_id BLOB, parent_task_id BLOB, agent_id TEXT)";

/// Puts a table in place of the linker's view.
async fn link(url: &str) {
    let pool = SqlitePool::connect(url).await.expect("it opens");
    let mut transaction = pool.begin().await.expect("begins");
    for statement in ["DROP VIEW link_states", TABLE] {
        sqlx::query(statement).execute(&mut *transaction).await.expect("runs");
    }
    for number in 0..REQUESTS {
        let starts_task = is_task(number) && number.is_multiple_of(TASKS);
        let kind = match number {
            0 => "root",
            _ if starts_task => "subagent",
            _ => "turn",
        };
        sqlx::query("INSERT INTO link_states VALUES ($1, $2, $3, $4, $5, $6, NULL)")
            .bind(id(number).0)
            .bind(id(0).0)
            .bind(branch(number))
            .bind(kind)
            .bind(parent(number).map(|parent| id(parent).0))
            .bind(starts_task.then(|| id(number - 1).0))
            .execute(&mut *transaction)
            .await
            .expect("placed");
    }
    transaction.commit().await.expect("committed");
}
