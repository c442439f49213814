//! Settings of the process, each with its effect on the running binary.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::nexus::DASHBOARD_KEY;
use nexus_e2e::{Nexus, NexusBuilder, http_client, paths, ports, wait};
use nexus_scripted::http::Step;
use nexus_scripted::{Answer, Anthropic, Request, Server, Service};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
const SECRET: &str = "sk-ant-api03-AAAABBBBCCCCDDDDEEEEFFFFGGGG";

struct Sink;

impl Service for Sink {
    fn answer(&self, _request: &Request) -> Answer {
        Answer::new(204)
    }
}

fn serve(service: impl Service) -> Server {
    Server::local(service).expect("a free port")
}

fn messages() -> Server {
    serve(Anthropic::new(Arc::new(SystemClock), "settings"))
}

async fn ask(nexus: &Nexus, prompt: &str) -> String {
    let body = json!({
        "model": "claude-opus-5-5", "max_tokens": 10, "stream": true,
        "messages": [{"role": "user", "content": prompt}],
    });
    let request = http_client().post(format!("{}/v1/messages", nexus.url()));
    let request =
        request.header("x-api-key", SECRET).header("anthropic-version", "2023-06-01").json(&body);
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{answer:?}");
    answer.text().await.expect("a body")
}

/// The log's lines, read as JSON, that satisfy a condition.
fn lines(nexus: &Nexus, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    let log = nexus.log();
    let parsed = log.lines().filter_map(|line| serde_json::from_str(line).ok());
    parsed.filter(wanted).collect()
}

#[tokio::test]
async fn ports_and_addresses_are_those_that_were_set() {
    let upstream = messages();
    let nexus = NexusBuilder::new("up", &upstream.url())
        .env("HOST", "0.0.0.0")
        .env("DASHBOARD_HOST", "0.0.0.0")
        .env("NEXUS_INSTANCE", "gateway-in-a-test")
        .start()
        .await
        .expect("nexus starts");
    let elsewhere = |url: String| http_client().get(url.replace("127.0.0.1", "127.0.0.2")).send();
    let about: Value =
        elsewhere(nexus.url()).await.expect("all addresses").json().await.expect("JSON");
    assert_eq!(about["instance"], "gateway-in-a-test");
    let health = elsewhere(nexus.dashboard() + "/health").await.expect("all addresses");
    assert!(health.status().is_success());

    // Clients elsewhere reach the gateway under the name under which the dashboard is reached.
    let named = format!("http://nexus.example:{}", nexus.port());
    for (host, shown) in [("nexus.example:80", &*named), ("a;id", "https://nexus.example.com")] {
        let page = http_client().get(nexus.dashboard() + "/setup").header("host", host);
        let page = page.header("x-dashboard-key", DASHBOARD_KEY).send().await.expect("a page");
        let text = page.text().await.expect("its text").replace("&#x2F;", "/");
        let line = format!("ANTHROPIC_BASE_URL={shown} ");
        assert!(text.contains(&line), "{host}: {text}");
    }

    let narrow = Nexus::up(&upstream.url()).await.expect("nexus starts");
    for url in [narrow.url(), narrow.dashboard()] {
        assert!(elsewhere(url).await.is_err(), "loopback alone unless it is set");
    }
}

#[tokio::test]
async fn a_role_without_a_port_answers_on_the_admin_port() {
    let dir = tempfile::tempdir().expect("a directory");
    let [port] = ports::free();
    let command = |role: &str| {
        let mut command = Command::new(paths::binary("nexus"));
        command.arg(role).current_dir(dir.path()).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("NEXUS_ADMIN_HOST", "127.0.0.3").env("NEXUS_ADMIN_PORT", port.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    assert!(command("migrate").status().expect("it runs").success());
    let mut linker = command("linker").spawn().expect("it runs");
    let url = format!("http://127.0.0.3:{port}/health/ready");
    let ready = wait::until("the linker", SOON, async || http_client().get(&url).send().await.ok());
    assert!(ready.await.status().is_success());
    linker.kill().expect("it dies");
    linker.wait().expect("it is gone");
}

#[tokio::test]
async fn a_stop_waits_no_longer_than_it_was_told() {
    struct Endless;
    impl Service for Endless {
        fn answer(&self, _request: &Request) -> Answer {
            Answer::new(200).stream(vec![Step::Send("data: 1\n\n".into()), Step::Stall])
        }
    }
    let upstream = serve(Endless);
    let builder = NexusBuilder::new("up", &upstream.url()).env("NEXUS_DRAIN_TIMEOUT", "1s");
    let mut nexus = builder.start().await.expect("nexus starts");
    let request = http_client().post(format!("{}/v1/messages", nexus.url())).body("{}");
    let mut answer = request.send().await.expect("a head");
    answer.chunk().await.expect("a chunk");
    // Unset it would wait for 30 seconds.
    let stopped =
        tokio::time::timeout(SOON, nexus.stop()).await.expect("in time").expect("stopped");
    assert!(stopped.success(), "{stopped}\n{}", nexus.log());
}

#[tokio::test]
async fn roles_that_share_a_stream_must_share_a_salt() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(paths::binary("nexus"));
    command.arg("gateway").current_dir(dir.path()).env_clear();
    command.env("NATS_URL", "nats://127.0.0.1:9").env("PORT", "0");
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("API_KEY_SALT"), "{output:?}");
}

#[tokio::test]
async fn log_lines_have_the_level_and_the_form_that_were_set() {
    let upstream = messages();
    let with = async |level: &str, format: &str| {
        let builder = NexusBuilder::new("up", &upstream.url());
        let builder = builder.env("LOG_LEVEL", level).env("LOG_FORMAT", format);
        builder.env("NEXUS_NONSENSE", "1").start().await.expect("nexus starts")
    };
    let json = with("info", "json").await;
    let ready = lines(&json, |line| line["message"] == "ready");
    assert_eq!((ready.len(), &ready[0]["level"]), (1, &json!("INFO")), "{}", json.log());
    let warned =
        |line: &Value| line["message"].as_str().is_some_and(|m| m.contains("NEXUS_NONSENSE"));
    assert_eq!(lines(&json, warned).len(), 1, "an unknown variable is a warning");
    let pretty = with("info", "pretty").await;
    assert!(pretty.log().contains("ready") && lines(&pretty, |_| true).is_empty());
    let quiet = with("error", "json").await;
    assert!(lines(&quiet, |_| true).is_empty(), "{}", quiet.log());
}

#[tokio::test]
async fn what_stands_open_is_warned_of_once_at_the_start() {
    let upstream = messages();
    let warnings = async |builder: NexusBuilder| {
        let nexus = builder.env("LOG_FORMAT", "json").start().await.expect("nexus starts");
        ["ENABLE_CLIENT_AUTH", "DASHBOARD_API_KEY"].map(|setting| {
            let warns = |line: &Value| {
                let message = line["message"].as_str().unwrap_or_default();
                line["level"] == "WARN" && message.contains(setting)
            };
            lines(&nexus, warns).len()
        })
    };
    let open = NexusBuilder::plain("up").env("CLAUDE_API_BASE_URL", upstream.url());
    assert_eq!(warnings(open.env("ENABLE_CLIENT_AUTH", "false")).await, [1, 1]);
    assert_eq!(warnings(NexusBuilder::new("up", &upstream.url())).await, [0, 0]);
}

#[tokio::test]
async fn debugging_logs_what_passes_masked_and_capped() {
    let upstream = messages();
    let builder = NexusBuilder::new("up", &upstream.url());
    let nexus = builder.env("DEBUG", "true").env("DEBUG_SQL", "true").start().await;
    let nexus = nexus.expect("nexus starts");
    let long = "word ".repeat(20_000);
    ask(&nexus, &format!("My key is {SECRET}. {long} [[say: It is {SECRET}.]]")).await;
    let rows = nexus.drained(1, SOON).await;
    let of = |message: &'static str| move |line: &Value| line["message"] == message;
    let answers = wait::until("the answer", SOON, async || {
        Some(lines(&nexus, of("answer"))).filter(|lines| !lines.is_empty())
    })
    .await;
    assert_eq!((&answers[0]["status"], &answers[0]["state"]), (&json!(200), &json!("completed")));
    let requests = lines(&nexus, of("request"));
    let body = requests[0]["body"].as_str().expect("a body");
    assert!(body.contains("My key is [masked]"), "{body}");
    assert!(body.chars().count() <= 4096, "capped");
    assert!(!lines(&nexus, of("chunk")).is_empty());
    let id = rows[0]["requestId"].as_str().expect("an id");
    statements_are_logged_with_what_they_took(&nexus, id);
    failed_statements_are_logged_with_their_errors(&nexus).await;
    assert!(!nexus.log().to_uppercase().contains("AAAABBBBCCCC"), "{}", nexus.log());

    let builder = NexusBuilder::new("up", &upstream.url());
    let silent = builder.env("LOG_LEVEL", "info,nexus_store=debug").start().await;
    let silent = silent.expect("nexus starts");
    ask(&silent, "hello").await;
    silent.drained(1, SOON).await;
    assert!(lines(&silent, of("request")).is_empty() && lines(&silent, of("chunk")).is_empty());
    assert!(statements(&silent).is_empty());
}

fn statements(nexus: &Nexus) -> Vec<Value> {
    lines(nexus, |line| line["target"] == "nexus_store::sql")
}

fn statements_are_logged_with_what_they_took(nexus: &Nexus, id: &str) {
    let statements = statements(nexus);
    let text = |line: &Value, field: &str| line[field].as_str().expect("a text").to_owned();
    let writes = |line: &Value, table: &str, parameter: &str| {
        text(line, "statement").starts_with(&format!("INSERT INTO {table} "))
            && text(line, "parameters").contains(parameter)
            && line["rows"].is_u64()
            && line["elapsed_secs"].is_f64()
    };
    let is_there = |table: &str, parameter: &str| {
        assert!(
            statements.iter().any(|line| writes(line, table, parameter)),
            "no {parameter} for {table} in {statements:#?}"
        );
    };
    let is_row = |line: &Value| writes(line, "exchanges", id) && line["rows"] == 1;
    assert!(statements.iter().any(is_row), "{statements:#?}");
    is_there("exchanges", "'My key is [masked]");
    // What was said, as bytes and as words to be found by.
    is_there("segments", " bytes>");
    is_there("search_words", " bytes>");
    for line in &statements {
        let parameters = text(line, "parameters");
        assert!(parameters.len() < 2_500 && !parameters.contains(&"word ".repeat(20)), "{line}");
    }
}

/// Takes a table away from a query.
async fn failed_statements_are_logged_with_their_errors(nexus: &Nexus) {
    let script = "import sqlite3, sys\n\
        c = sqlite3.connect(sys.argv[1], timeout=30)\n\
        c.execute('DROP TABLE account_windows')\n";
    let store = nexus.dir().join("data/nexus.sqlite");
    let output = Command::new("python3").args(["-c", script]).arg(store).output();
    let output = output.expect("python3");
    assert!(output.status.success(), "{output:?}");
    assert!(nexus.api().get("token-usage/accounts").await.is_err());
    let failed = |line: &Value| {
        let error = line["error"].as_str().unwrap_or_default();
        error.contains("account_windows") && line["rows"].is_null()
    };
    assert!(statements(nexus).iter().any(failed), "{}", nexus.log());
}

#[tokio::test]
async fn those_who_want_to_know_are_told() {
    let (upstream, slack, telemetry) = (messages(), serve(Sink), serve(Sink));
    let nexus = NexusBuilder::new("up", &upstream.url())
        .env("SLACK_WEBHOOK_URL", slack.url())
        .env("SLACK_CHANNEL", "#nexus")
        .env("SLACK_USERNAME", "Nexus")
        .env("SLACK_ICON_EMOJI", ":owl:")
        .env("TELEMETRY_ENDPOINT", format!("{}/telemetry", telemetry.url()))
        .env("COLLECT_TEST_SAMPLES", "true")
        .env("TEST_SAMPLES_DIR", "samples-of-mine")
        .start()
        .await
        .expect("nexus starts");
    ask(&nexus, "What is new? [[say: Nothing.]]").await;
    let first = async |server: &Server| {
        let seen = server.seen().until(|seen| !seen.is_empty());
        tokio::time::timeout(SOON, seen).await.expect("told").remove(0).request
    };
    let notice = first(&slack).await.json();
    let looks = ["channel", "username", "icon_emoji"].map(|name| notice[name].clone());
    assert_eq!(looks, [json!("#nexus"), json!("Nexus"), json!(":owl:")]);
    let told = first(&telemetry).await;
    assert_eq!((told.path(), &told.json()["requestType"]), ("/telemetry", &json!("inference")));
    let sample = nexus.dir().join("samples-of-mine/inference.json");
    let text = wait::until("a sample", SOON, async || read(&sample)).await;
    assert!(text.contains("What is new?") && !text.contains(SECRET));
}

/// The file's text, once it is whole.
fn read(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    serde_json::from_str::<Value>(&text).ok().map(|_whole| text)
}

#[tokio::test]
async fn a_pure_proxy_captures_nothing() {
    let upstream = messages();
    let builder = NexusBuilder::new("up", &upstream.url()).env("STORAGE_ENABLED", "false");
    let nexus = builder.start().await.expect("nexus starts");
    assert!(ask(&nexus, "hello [[say: Hi.]]").await.contains("Hi."));
    // What would have been captured would be in the journal before the answer's end.
    assert!(!nexus.dir().join("data/journal").exists());
    assert!(nexus.api().requests("").await.expect("the API").is_empty());
}
