//! A conversation costs what its last request weighs, not the sum of all its requests.

use std::{fmt::Write, time::Duration};

use nexus_bus::Verdict;
use nexus_messages::line::parse_line;
use nexus_store::{store_tests, testing::TestStore};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};

use crate::role::Role;

const TURNS: usize = 200;
const LAST_REQUEST: usize = 200_000;

/// Text with the redundancy of prose and code: words from a small vocabulary.
struct Prose(u64);

impl Prose {
    fn words(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 16);
        while text.len() < bytes {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let word = self.0 >> 48;
            write!(
                text,
                "{}{} ",
                ["get", "the", "file", "of", "error"][(word % 5) as usize],
                word % 1_009
            )
            .expect("a string");
        }
        text
    }
}

/// A session of a coding agent: each turn repeats all, adds the answer with its tool call and the
/// result, and moves the mark of the cache.
fn session(seed: u64) -> Vec<String> {
    let mut prose = Prose(seed);
    let tools: Vec<_> = (0..12)
        .map(|tool| {
            format!(
                r#"{{"name":"Tool{tool}","description":"{}","input_schema":{{"type":"object"}}}}"#,
                prose.words(600)
            )
        })
        .collect();
    let system = format!(
        r#"[{{"type":"text","text":"{}","cache_control":{{"type":"ephemeral"}}}}]"#,
        prose.words(8_000)
    );
    let base = tools.iter().map(String::len).sum::<usize>() + system.len();
    let each = (LAST_REQUEST - base) / TURNS;
    let mut messages: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for turn in 0..TURNS {
        let call = format!("toolu_{turn:022}");
        let (user, marked) = user_message(turn, &prose.words(each * 2 / 3 - 150));
        let body = format!(
            r#"{{"model":"claude-opus-5","messages":[{}],"system":{system},"tools":[{}],"max_tokens":32000,"stream":true}}"#,
            messages.iter().chain([&marked]).cloned().collect::<Vec<_>>().join(","),
            tools.join(",")
        );
        let answer = prose.words(each / 3 - 150);
        lines.push(line(seed, turn, &body, &stream(turn, &answer, &call)));
        messages.push(user);
        messages.push(format!(
            r#"{{"role":"assistant","content":[{{"type":"text","text":"{answer}"}},{{"type":"tool_use","id":"{call}","name":"Bash","input":{{"command":"ls"}}}}]}}"#
        ));
    }
    lines
}

/// The message as it is later, and as it is while it is the last.
fn user_message(turn: usize, text: &str) -> (String, String) {
    let before = turn.saturating_sub(1);
    let message = |mark: &str| {
        if turn == 0 {
            format!(r#"{{"role":"user","content":[{{"type":"text","text":"{text}"{mark}}}]}}"#)
        } else {
            format!(
                r#"{{"role":"user","content":[{{"tool_use_id":"toolu_{before:022}","type":"tool_result","content":"{text}"{mark}}}]}}"#
            )
        }
    };
    (message(""), message(r#","cache_control":{"type":"ephemeral"}"#))
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("a string");
}

/// The answer as the API streams it, some words an event.
fn stream(turn: usize, text: &str, call: &str) -> String {
    let mut stream = format!(
        "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"id\":\"msg_{turn:024}\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-opus-5\",\"content\":[],\"stop_reason\":null,\"usage\":{{\"input_tokens\":4,\"cache_read_input_tokens\":{turn}000,\"output_tokens\":1}}}}}}\n\n\
         event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"text\",\"text\":\"\"}}}}\n\n"
    );
    let words: Vec<_> = text.split_inclusive(' ').collect();
    for some in words.chunks(4) {
        push(
            &mut stream,
            format_args!(
                "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{}\"}}}}\n\n",
                some.concat()
            ),
        );
    }
    push(
        &mut stream,
        format_args!(
            "event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":0}}\n\n\
         event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{{\"type\":\"tool_use\",\"id\":\"{call}\",\"name\":\"Bash\",\"input\":{{}}}}}}\n\n\
         event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{{\"type\":\"input_json_delta\",\"partial_json\":\"{{\\\"command\\\":\\\"ls\\\"}}\"}}}}\n\n\
         event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":1}}\n\n\
         event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"tool_use\",\"stop_sequence\":null}},\"usage\":{{\"output_tokens\":{turn}}}}}\n\n\
         event: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
        ),
    );
    stream
}

fn line(seed: u64, turn: usize, body: &str, sse: &str) -> String {
    let sse = serde_json::Value::from(sse);
    format!(
        r#"{{"id":"turn {seed} {turn}","at":"2026-11-23T10:{:02}:{:02}Z","domain":"team.example","accountId":"acc_1","request":{{"headers":{{"user-agent":"claude-cli/2.1.330","x-claude-code-session-id":"6ad3aa47"}},"body":{body}}},"response":{{"status":200,"headers":{{"content-type":"text/event-stream","request-id":"req_{turn:024}","anthropic-ratelimit-unified-5h-utilization":"0.{turn}","anthropic-ratelimit-unified-5h-reset":"1795428000","date":"Mon, 23 Nov 2026 10:{:02}:00 GMT"}},"sse":{sse}}},"durationMs":1000,"firstTokenMs":300}}"#,
        turn / 60,
        turn % 60,
        turn / 60
    )
}

/// Bytes of the store's own tables and indices. What PostgreSQL keeps about them, catalogs and
/// statistics, is not counted.
async fn size(store: &TestStore) -> i64 {
    if store.engine() == "sqlite" {
        let pool = SqlitePool::connect(&store.url).await.expect("it opens");
        let size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
        let size = sqlx::query_scalar(size).fetch_one(&pool).await.expect("it reads");
        pool.close().await;
        return size;
    }
    let pool = PgPool::connect(&store.url).await.expect("it opens");
    tidy_up(&pool).await;
    let size = "SELECT CAST(sum(pg_total_relation_size(oid)) AS BIGINT) FROM pg_class \
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let size = sqlx::query_scalar(size).fetch_one(&pool).await.expect("it reads");
    pool.close().await;
    size
}

/// Removes the old versions of rows. They stay as long as a transaction anywhere in the cluster is
/// older than the change, and other tests share the cluster: the figure depended on how long theirs
/// took.
async fn tidy_up(pool: &PgPool) {
    let now = "SELECT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)";
    let now: i64 = sqlx::query_scalar(now).fetch_one(pool).await.expect("it reads");
    let oldest = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT)";
    while now >= sqlx::query_scalar::<_, i64>(oldest).fetch_one(pool).await.expect("it reads") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    sqlx::query("VACUUM (FULL)").execute(pool).await.expect("it runs");
}

/// What bodies and headers take.
const BODIES: &str = "('segments', 'segments_by_hash', 'segments_pkey', 'nodes', 'nodes_by_hash', \
    'nodes_by_parent', 'nodes_by_segment', 'nodes_pkey', 'frames', 'frame_parts', 'payloads', \
    'payloads_pkey', 'sqlite_autoindex_payloads_1', 'payloads_by_time', 'payloads_by_node', \
    'payloads_by_frame', 'payloads_by_response_segment')";

async fn bodies(store: &TestStore) -> i64 {
    if store.engine() == "sqlite" {
        let pool = SqlitePool::connect(&store.url).await.expect("it opens");
        let sum = format!("SELECT sum(pgsize) FROM dbstat WHERE name IN {BODIES}");
        return sqlx::query_scalar(AssertSqlSafe(sum)).fetch_one(&pool).await.expect("it reads");
    }
    let pool = PgPool::connect(&store.url).await.expect("it opens");
    let sum = format!(
        "SELECT CAST(sum(pg_relation_size(oid)) AS BIGINT) FROM pg_class WHERE relname IN {BODIES}"
    );
    sqlx::query_scalar(AssertSqlSafe(sum)).fetch_one(&pool).await.expect("it reads")
}

/// Bodies alone stay far below; rows, indices and full-text search come on top. PostgreSQL pays some
/// 30 bytes more for each row and entry, and for a `tsvector` in each document.
async fn two_hundred_turns_cost_a_few_last_requests(store: TestStore) {
    let role = Role::on(store.store.clone());
    // The first one pays for the first pages of every table.
    run(&role, &store, &session(1)[..40]).await;
    let (before, bodies_before) = (size(&store).await, bodies(&store).await);
    let session = session(2);
    run(&role, &store, &session).await;
    let (all, bodies) = (size(&store).await - before, bodies(&store).await - bodies_before);
    let last = parse_line(&session[TURNS - 1]).expect("an exchange").0;
    let last = i64::try_from(last.body.expect("a body").len()).expect("small");
    assert!((150_000..250_000).contains(&last), "{last}");
    let engine = store.engine();
    eprintln!("{engine}: last request {last}, bodies {bodies}, all {all} bytes");
    let (max_bodies, max_all) = if engine == "sqlite" { (2, 4) } else { (3, 7) };
    assert!(bodies <= max_bodies * last, "bodies take {bodies} bytes for a last request of {last}");
    assert!(all <= max_all * last, "the store grew by {all} bytes for a last request of {last}");
}

async fn run(role: &Role, store: &TestStore, session: &[String]) {
    for (turn, line) in session.iter().enumerate() {
        let (request, response) = parse_line(line).expect("an exchange");
        for event in [request, response] {
            assert_eq!(role.handle(vec![event]).await, [Verdict::Done]);
        }
        if turn % 25 == 24 {
            size(store).await;
        }
    }
}

store_tests!(two_hundred_turns_cost_a_few_last_requests);
