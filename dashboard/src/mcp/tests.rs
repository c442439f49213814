//! Prompts from file to client, over a real socket.

use std::{fs, net::TcpListener, path::Path, sync::Arc, time::Duration};

use actix_web::{App, HttpServer};
use nexus_contract::SystemClock;
use nexus_scripted::{GitHub, Server};
use rmcp::model::ProtocolVersion;
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

struct Keys(&'static [&'static str]);

impl ClientKeys for Keys {
    fn any(&self) -> bool {
        !self.0.is_empty()
    }

    fn is_key(&self, domain: &str, key: &str) -> bool {
        domain == "127.0.0.1" && self.0.contains(&key)
    }
}

struct Rig {
    mcp: Arc<Mcp>,
    url: String,
    folder: tempfile::TempDir,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Rig {
    fn start(keys: &'static [&'static str], change: impl FnOnce(&mut McpConfig)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        put(
            folder.path(),
            "review",
            "description: Review code\ntemplate: 'Review {{language}}{{#if focus}} for {{focus}}{{/if}}: {{code}}'",
        );
        put(folder.path(), "hello", "template: Hello <b>");
        let mut config = McpConfig::new(folder.path());
        change(&mut config);
        let mcp = Mcp::new(config, Arc::new(Keys(keys)), Arc::new(SystemClock));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("bound"));
        let routes = mcp.routes();
        let server = HttpServer::new(move || App::new().configure(routes.clone()))
            .workers(1)
            .disable_signals()
            .listen(listener)
            .expect("it listens")
            .run();
        actix_web::rt::spawn(server);
        let stop = CancellationToken::new();
        let running = tokio::spawn(Arc::clone(&mcp).run(stop.clone()));
        Self { mcp, url, folder, stop, running }
    }

    fn post(&self, version: &str, body: &Value) -> reqwest::RequestBuilder {
        nexus_scripted::http_client()
            .post(&self.url)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("mcp-protocol-version", version)
            .body(body.to_string())
    }

    /// A session: its id, and what the server says of itself.
    async fn open(&self, version: &str) -> (String, Value) {
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": version, "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}}});
        let answer = self.post(version, &hello).send().await.expect("answered");
        let session = answer.headers()["mcp-session-id"].to_str().expect("text").to_owned();
        let server = message(&answer.text().await.expect("a body"));
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let ready = self.post(version, &ready).header("mcp-session-id", &session);
        assert!(ready.send().await.expect("answered").status().is_success());
        (session, server["result"].clone())
    }

    async fn call(&self, session: &str, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let request = self.post("2025-06-18", &body).header("mcp-session-id", session);
        message(&request.send().await.expect("answered").text().await.expect("a body"))
    }

    async fn stop(self) {
        self.stop.cancel();
        self.running.await.expect("no panic");
    }
}

/// The last JSON-RPC message of an answer, plain or as an event stream.
fn message(body: &str) -> Value {
    let events = body.lines().filter_map(|line| line.strip_prefix("data:"));
    let last = events.map(str::trim).rfind(|data| data.starts_with('{'));
    serde_json::from_str(last.unwrap_or(body)).unwrap_or_else(|error| panic!("{error}: {body}"))
}

fn put(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(format!("{name}.yaml")), text).expect("written");
}

/// Writes a prompt and waits until it is served. The watcher may begin after the first write: it is
/// written until it is noticed.
async fn until_loaded(rig: &Rig, name: &str) {
    let mut number = 0;
    while rig.mcp.library().find(name).is_none() {
        put(rig.folder.path(), name, &format!("template: new {number}"));
        number += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Waits for something that another task does; looks again whenever a moment has passed.
async fn until(mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes to that");
}

fn values(pairs: &[(&str, &str)]) -> Map<String, Value> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
}

#[test]
fn arguments_come_from_the_template() {
    let arguments = |template: &str| {
        let file = format!("template: |\n  {template}");
        let prompt = Prompt::parse("p", &file).expect("a prompt");
        let shown = prompt.arguments.iter().map(|argument| {
            format!("{}{}", argument.name, if argument.required { "" } else { "?" })
        });
        shown.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(arguments("{{a}} {{{b}}} {{a}}"), "a b");
    assert_eq!(arguments("{{#if a}}{{a}} {{b}}{{else}}{{c}}{{/if}}"), "a? b c");
    assert_eq!(arguments("{{#unless quiet}}x{{/unless}}"), "quiet?");
    assert_eq!(arguments("{{#each files}}{{name}}{{this}}{{@index}}{{/each}}"), "files");
    assert_eq!(arguments("{{user.name}} {{! a note }} plain"), "user");
}

#[test]
fn rendering_escapes_nothing_and_names_what_is_missing() {
    let prompt = Prompt::parse("p", "template: '{{a}}{{#if b}} {{b}}{{/if}}'").expect("a prompt");
    assert_eq!(prompt.render(&values(&[("a", "<&\">")])).expect("text"), "<&\">");
    assert_eq!(prompt.render(&values(&[("a", "x"), ("b", "y")])).expect("text"), "x y");
    let error = prompt.render(&values(&[("b", "y")])).expect_err("a is missing");
    assert!(error.to_string().contains("`a`"));
}

#[test]
fn what_is_no_prompt_is_told_why() {
    for (name, text) in [
        ("../x", "template: a"),
        ("a/b", "template: a"),
        ("a..b", "template: a"),
        (".a", "template: a"),
        ("", "template: a"),
        ("a", "description: b"),
        ("a", "template: '{{#if x}}'"),
        ("a", ": : :"),
    ] {
        assert!(Prompt::parse(name, text).is_err(), "{name} {text}");
    }
}

#[test]
fn a_file_that_breaks_keeps_its_last_good_version() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "a", "template: one");
    let library = Library::default();
    assert!(library.load(folder.path()));
    assert!(!library.load(folder.path()), "nothing changed");
    put(folder.path(), "a", "template: '{{#if'");
    assert!(!library.load(folder.path()));
    assert_eq!(library.find("a").expect("kept").template, "one");
    fs::remove_file(folder.path().join("a.yaml")).expect("removed");
    assert!(library.load(folder.path()));
    assert!(library.find("a").is_none());
}

#[test]
fn of_two_files_with_one_name_the_first_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), "code.review", "template: yaml");
    fs::write(folder.path().join("code.review.yml"), "template: yml").expect("written");
    let library = Library::default();
    assert!(library.load(folder.path()));
    assert_eq!(library.find("code.review").expect("there").template, "yaml");
}

#[actix_web::test]
async fn clients_of_every_version_with_a_session_list_and_get() {
    let rig = Rig::start(&[], |_| {});
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let (session, server) = rig.open(version).await;
        assert_eq!(server["protocolVersion"], version);
        assert_eq!(server["capabilities"]["prompts"]["listChanged"], true);
        assert!(rig.call(&session, "ping", json!({})).await.get("result").is_some());
        let list = rig.call(&session, "prompts/list", json!({})).await;
        let prompts = &list["result"]["prompts"];
        assert_eq!(prompts[1]["name"], "review");
        assert_eq!(prompts[1]["arguments"][1], json!({"name": "focus", "required": false}));
        let arguments = json!({"language": "Rust", "code": "a < b"});
        let got = rig
            .call(&session, "prompts/get", json!({"name": "review", "arguments": arguments}))
            .await;
        assert_eq!(got["result"]["messages"][0]["content"]["text"], "Review Rust: a < b");
        let wrong = rig.call(&session, "prompts/get", json!({"name": "review"})).await;
        assert_eq!(wrong["error"]["code"], -32602);
        let none = rig.call(&session, "prompts/get", json!({"name": "nothing"})).await;
        assert_eq!(none["error"]["code"], -32602);
    }
    assert_eq!(ProtocolVersion::KNOWN_VERSIONS.len(), 5, "a new version wants a test here");
    rig.stop().await;
}

#[actix_web::test]
async fn lists_have_pages() {
    let rig = Rig::start(&[], |config| config.page_size = 1);
    let (session, _) = rig.open("2025-06-18").await;
    let first = rig.call(&session, "prompts/list", json!({})).await;
    assert_eq!(first["result"]["prompts"][0]["name"], "hello");
    let cursor = &first["result"]["nextCursor"];
    let second = rig.call(&session, "prompts/list", json!({"cursor": cursor})).await;
    assert_eq!(second["result"]["prompts"][0]["name"], "review");
    assert!(second["result"].get("nextCursor").is_none());
    let wrong = rig.call(&session, "prompts/list", json!({"cursor": "../x"})).await;
    assert_eq!(wrong["error"]["code"], -32602);
    rig.stop().await;
}

#[actix_web::test]
async fn a_changed_file_is_noticed_and_clients_are_told() {
    let rig = Rig::start(&[], |_| {});
    let (session, _) = rig.open("2025-06-18").await;
    let mut stream = nexus_scripted::http_client()
        .get(&rig.url)
        .header("accept", "text/event-stream")
        .header("mcp-protocol-version", "2025-06-18")
        .header("mcp-session-id", &session)
        .send()
        .await
        .expect("a stream");
    let told = async {
        let mut seen = String::new();
        while !seen.contains("notifications/prompts/list_changed") {
            let chunk = stream.chunk().await.expect("it lives").expect("it goes on");
            seen.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    let both = async { tokio::join!(told, until_loaded(&rig, "fresh")) };
    tokio::time::timeout(PATIENCE, both).await.expect("the change is told");
    rig.stop().await;
}

#[actix_web::test]
async fn a_session_ends_when_it_is_idle_and_makes_room() {
    let rig = Rig::start(&[], |config| {
        config.session_idle = Duration::from_secs(3);
        config.max_sessions = 1;
    });
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}}});
    let (session, _) = rig.open("2025-06-18").await;
    let second = rig.post("2025-06-18", &hello).send().await.expect("answered");
    assert_eq!(second.status(), 503);
    let refusal = second.text().await.expect("a body");
    assert!(refusal.contains("1 sessions are open"), "{refusal}");
    let newest = rig.post("2026-07-28", &hello).send().await.expect("answered");
    assert_eq!(newest.status(), 503, "it begins a session under any version");
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "prompts/list"});
    let without = rig.post("2026-07-28", &list).header("mcp-method", "prompts/list");
    let without = without.send().await.expect("answered");
    assert_ne!(without.status(), 503, "what needs no session needs no room");
    assert!(rig.call(&session, "ping", json!({})).await.get("result").is_some());

    let room = async {
        while rig.post("2025-06-18", &hello).send().await.expect("answered").status() == 503 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, room).await.expect("the idle session ends");
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let late = rig.post("2025-06-18", &ping).header("mcp-session-id", &session);
    assert_eq!(late.send().await.expect("answered").status(), 404);
    rig.stop().await;
}

/// A folder that is replaced, as a checkout or a mounted volume does it, is followed.
#[actix_web::test]
async fn a_folder_that_was_away_is_followed_again() {
    let rig = Rig::start(&[], |_| {});
    let folder = rig.folder.path().to_owned();
    until_loaded(&rig, "before").await;
    fs::remove_dir_all(&folder).expect("removed");
    fs::create_dir(&folder).expect("made again");
    until_loaded(&rig, "after").await;
    until(|| rig.mcp.library().find("before").is_none()).await;
    rig.stop().await;
}

#[actix_web::test]
async fn a_client_needs_a_key_as_soon_as_there_is_one() {
    let rig = Rig::start(&["cnp_test_right"], |_| {});
    let get = |key: Option<&str>| {
        let request = nexus_scripted::http_client().get(&rig.url);
        key.map_or(request.try_clone(), |key| Some(request.bearer_auth(key))).expect("a request")
    };
    for wrong in [None, Some("cnp_test_wrong"), Some("")] {
        let answer = get(wrong).send().await.expect("answered");
        assert_eq!(answer.status(), 401);
        assert!(answer.headers().contains_key("www-authenticate"));
    }
    let answer = get(Some("cnp_test_right")).send().await.expect("answered");
    let discovery = answer.json::<Value>().await.expect("JSON");
    assert_eq!((&discovery["endpoint"], &discovery["prompts"]), (&json!("/mcp"), &json!(2)));
    let by_header =
        nexus_scripted::http_client().get(&rig.url).header("x-api-key", "cnp_test_right");
    assert_eq!(by_header.send().await.expect("answered").status(), 200);
    rig.stop().await;
}

#[actix_web::test]
async fn without_keys_only_a_loopback_name_is_served() {
    let rig = Rig::start(&[], |_| {});
    let rebound = nexus_scripted::http_client().get(&rig.url).header("host", "evil.example");
    assert_eq!(rebound.send().await.expect("answered").status(), 401);
    assert_eq!(
        nexus_scripted::http_client().get(&rig.url).send().await.expect("answered").status(),
        200
    );
    rig.stop().await;
}

#[actix_web::test]
async fn what_is_wrong_with_the_repository_is_told_with_what_mends_it() {
    let github = Arc::new(GitHub::default());
    github.put("elsewhere/one.yaml", "template: One");
    let server = Server::local(Arc::clone(&github)).expect("a port");
    let api = server.url();
    let rig = Rig::start(&[], |config| {
        config.github = Some(GitHubConfig { api_url: api, ..GitHubConfig::new("o", "r") });
    });
    let status = || rig.mcp.sync_status().expect("configured");
    until(|| status().error.is_some()).await;
    let error = status().error.expect("told");
    assert!(error.contains("404") && error.contains("MCP_GITHUB_PATH"), "{error}");
    assert!(rig.mcp.library().find("hello").is_some());
    let names = fs::read_dir(rig.folder.path()).expect("a folder").count();
    assert_eq!(names, 2, "nothing was written");
    rig.stop().await;
}

#[actix_web::test]
async fn a_prompt_that_breaks_in_the_repository_stays_as_it_was() {
    let github = Arc::new(GitHub::default());
    github.put("prompts/one.yaml", "template: good");
    let server = Server::local(Arc::clone(&github)).expect("a port");
    let api = server.url();
    let rig = Rig::start(&[], |config| {
        config.github = Some(GitHubConfig { api_url: api, ..GitHubConfig::new("o", "r") });
    });
    until(|| rig.mcp.library().find("one").is_some()).await;
    github.put("prompts/one.yaml", "template: '{{#if'");
    rig.mcp.request_sync();
    until(|| rig.mcp.sync_status().expect("configured").failed == ["one.yaml"]).await;
    assert_eq!(rig.mcp.library().find("one").expect("kept").template, "good");
    rig.stop().await;
}

/// A round that the limit ends is not lost: the next one asks only for what is missing.
#[actix_web::test]
async fn at_the_rate_limit_the_next_round_goes_on() {
    let github = Arc::new(GitHub::default());
    for name in ["a", "b", "c", "d"] {
        github.put(&format!("prompts/{name}.yaml"), &format!("template: {name}"));
    }
    // The head, the list and two files.
    github.limit_after(4);
    let server = Server::local(Arc::clone(&github)).expect("a port");
    let api = server.url();
    let rig = Rig::start(&[], |config| {
        config.github = Some(GitHubConfig { api_url: api, ..GitHubConfig::new("o", "r") });
    });
    let status = || rig.mcp.sync_status().expect("configured");
    let is_there = |name: &str| rig.mcp.library().find(name).is_some();
    until(|| status().error.is_some_and(|error| error.contains("rate limit"))).await;
    assert!(is_there("a") && is_there("b") && !is_there("c"));
    assert_eq!((status().commit, status().files), (None, 2));

    github.limit_after(4);
    until(|| status().commit.is_some()).await;
    assert!(is_there("a") && is_there("b") && is_there("c") && is_there("d"));
    assert_eq!(status().files, 4);
    rig.stop().await;
}

#[actix_web::test]
async fn a_list_of_synchronised_files_leads_nowhere_else() {
    let github = Arc::new(GitHub::default());
    github.put("prompts/one.yaml", "template: One");
    let server = Server::local(Arc::clone(&github)).expect("a port");
    let api = server.url();
    let rig = Rig::start(&[], |config| {
        let own = config.prompts_dir.join("own");
        fs::create_dir(&own).expect("a folder");
        put(&own, "mine", "template: mine");
        let list = json!({"own/mine.yaml": "x"}).to_string();
        fs::write(config.prompts_dir.join(".synced.json"), list).expect("written");
        config.github = Some(GitHubConfig { api_url: api, ..GitHubConfig::new("o", "r") });
    });
    until(|| rig.mcp.sync_status().expect("configured").commit.is_some()).await;
    assert!(rig.folder.path().join("own/mine.yaml").is_file());
    rig.stop().await;
}

#[actix_web::test]
async fn a_repository_is_followed() {
    let github = Arc::new(GitHub::default());
    github.put("prompts/one.yaml", "template: One {{x}}");
    github.put("prompts/two.yml", "template: Two");
    github.put("prompts/bad name!.yaml", "template: no");
    github.put("prompts/..yaml", "template: no");
    github.put("prompts/..\\up.yaml", "template: no");
    github.put("other/three.yaml", "template: elsewhere");
    github.put("prompts/readme.md", "no prompt");
    github.break_file("prompts/two.yml", true);
    let server = Server::local(Arc::clone(&github)).expect("a port");
    let api = server.url();
    let rig = Rig::start(&[], |config| {
        config.github = Some(GitHubConfig { api_url: api, ..GitHubConfig::new("o", "r") });
    });
    let status = || rig.mcp.sync_status().expect("configured");

    until(|| status().commit.is_some()).await;
    assert_eq!(status().failed, ["two.yml"]);
    assert!(rig.mcp.library().find("three").is_none());
    assert!(rig.mcp.library().find("one").is_some() && rig.mcp.library().find("two").is_none());
    assert!(rig.mcp.library().find("hello").is_some(), "a file of one's own stays");

    github.break_file("prompts/two.yml", false);
    assert!(rig.mcp.request_sync());
    until(|| status().failed.is_empty()).await;
    assert!(rig.mcp.library().find("two").is_some(), "it is tried again on the same head");

    let calls = server.seen().count();
    let before = status().last_success_at;
    rig.mcp.request_sync();
    until(|| status().last_success_at != before).await;
    assert_eq!(server.seen().count(), calls + 1, "an unmoved head is one call");

    github.limit(true);
    rig.mcp.request_sync();
    until(|| status().error.is_some()).await;
    assert!(status().error.is_some_and(|error| error.contains("rate limit")));
    let refused = server.seen().count();
    until(|| server.seen().count() > refused).await;
    assert!(status().error.is_some(), "it asks again after as long as GitHub said");
    assert!(rig.mcp.library().find("one").is_some());
    github.limit(false);

    github.remove("prompts/one.yaml");
    rig.mcp.request_sync();
    until(|| rig.mcp.library().find("one").is_none()).await;
    assert!(rig.mcp.library().find("hello").is_some());
    rig.stop().await;
}
