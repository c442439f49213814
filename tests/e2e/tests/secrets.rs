//! Planted secrets: canaries in every place where a credential can be, and not one of them at rest,
//! in a log, in a metric or on a page.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::{Nexus, NexusBuilder, credentials, http_client, scan, wait};
use nexus_scripted::{Answer, Anthropic, OAuth, Request, Server, Service, Slack};
use reqwest::RequestBuilder;
use serde_json::json;

const DRAIN: Duration = Duration::from_secs(30);
const SOON: Duration = Duration::from_secs(10);

/// In every canary, and nowhere else.
const MARK: &str = "Kanari7q";
/// In a header that is no secret, and nowhere else: the store holds it, or the search is blind there.
const WITNESS: &str = "Zeuge7qTestimony";
/// What the token server issues.
const ISSUED: [&str; 2] = ["oat01-scripted", "ort01-scripted"];
const MAX_PAGES: usize = 120;

fn canary(place: &str) -> String {
    format!("{MARK}{place}Wm2Xs5Lp8Rt4Kd9Vb3Nc6")
}

fn key(prefix: &str, place: &str) -> String {
    format!("{prefix}{}", canary(place))
}

/// The Messages API with secrets in the answers' headers.
struct Leaky(Anthropic);

impl Service for Leaky {
    fn answer(&self, request: &Request) -> Answer {
        let answer = self.0.answer(request);
        answer
            .header("set-cookie", format!("session={}; Path=/", canary("SetCookie")))
            .header("x-session-token", canary("AnswerToken"))
            .header("x-note", key("see sk-ant-api03-", "AnswerNote"))
    }
}

struct Sink;

impl Service for Sink {
    fn answer(&self, _request: &Request) -> Answer {
        Answer::new(204)
    }
}

fn serve(service: impl Service) -> Server {
    Server::local(service).expect("a free port")
}

/// Everything that Nexus talks to, and Nexus with a secret in every setting that takes one.
struct Planted {
    nexus: Nexus,
    dashboard_key: String,
    _others: Vec<Server>,
}

async fn plant() -> Planted {
    let upstream = serve(Leaky(Anthropic::new(Arc::new(SystemClock), "secrets")));
    let (slack, sink) = (serve(Slack::default()), serve(Sink));
    let oauth = OAuth::new(3600);
    oauth.know(&key("sk-ant-ort01-", "Refresh"));
    let tokens = serve(oauth);
    let dashboard_key = canary("Dashboard");
    let nexus = NexusBuilder::new("up", &upstream.url())
        .env("DASHBOARD_API_KEY", &dashboard_key)
        .env("API_KEY_SALT", canary("Salt"))
        .env("SLACK_WEBHOOK_URL", format!("{}/services/{}", slack.url(), canary("Webhook")))
        .env("TELEMETRY_ENDPOINT", format!("{}/t?token={}", sink.url(), canary("Telemetry")))
        .env("NEXUS_OAUTH_TOKEN_URL", format!("{}/v1/oauth/token", tokens.url()))
        .env("HTTPS_PROXY", format!("http://user:{}@127.0.0.1:9", canary("Proxy")))
        .env("SPARK_API_KEY", canary("Spark"))
        .env("GEMINI_API_KEY", canary("Gemini"))
        .env("MCP_GITHUB_TOKEN", canary("GitHub"))
        .env("COLLECT_TEST_SAMPLES", "true")
        .env("DEBUG", "true")
        .env("DEBUG_SQL", "true")
        .env("LOG_LEVEL", "debug")
        .start()
        .await
        .expect("nexus starts");
    let gone = format!("{}/services/gone/{}", slack.url(), canary("OwnWebhook"));
    let stored = json!({
        "type": "api_key", "accountId": "acc_key", "api_key": key("sk-ant-api03-", "Stored"),
        "client_api_key": [key("cnp_live_", "Client"), canary("PlainClient")],
        "slack": { "webhook_url": gone },
    });
    credentials::store(&nexus, "key.test", &stored).await;
    let pair = json!({
        "accessToken": key("sk-ant-oat01-", "Access"),
        "refreshToken": key("sk-ant-ort01-", "Refresh"), "expiresAt": 0,
    });
    let stored = json!({
        "type": "oauth", "accountId": "acc_login", "client_api_key": key("cnp_live_", "Login"),
        "oauth": pair,
    });
    credentials::store(&nexus, "login.test", &stored).await;
    // One that can't be renewed: its errors are logged.
    let dead = json!({
        "type": "oauth", "client_api_key": key("cnp_live_", "Dead"),
        "oauth": { "accessToken": canary("DeadAccess"), "refreshToken": canary("DeadRefresh"),
            "expiresAt": 0 },
    });
    credentials::store(&nexus, "dead.test", &dead).await;
    // One that is broken: what is wrong with it is logged.
    let path = nexus.dir().join("credentials/broken.test.credentials.json");
    std::fs::write(path, format!(r#"{{"type":"api_key","api_key":"{}""#, canary("Broken")))
        .expect("written");
    Planted { nexus, dashboard_key, _others: vec![upstream, slack, sink, tokens] }
}

/// Requests that carry secrets, and the status that each gets.
fn requests(nexus: &Nexus) -> Vec<(RequestBuilder, u16)> {
    let client = http_client();
    let body = json!({
        "model": "claude-opus-5-5", "max_tokens": 10, "stream": true,
        "messages": [{"role": "user", "content": "Hello [[say: Hello.]]"}],
    });
    let post = |host: &str, path: &str| {
        let request = client.post(format!("{}{path}", nexus.url())).header("host", host);
        let request = request.header("anthropic-version", "2023-06-01");
        request.header("content-type", "application/json").body(body.to_string())
    };
    let with =
        |host: &str, name: &str, value: String| post(host, "/v1/messages").header(name, value);
    let own = || with("pass.test", "x-api-key", key("sk-ant-api03-", "Own"));
    let query = format!("/v1/messages?api_key={}&x=sk-ant-{}", canary("Query"), canary("Query"));
    let models = format!("{}/v1/models?key=sk-ant-{}", nexus.url(), canary("ModelsQuery"));
    let models = client.get(models).header("anthropic-version", "2023-06-01");
    vec![
        (own(), 200),
        (with("pass.test", "authorization", format!("Bearer {}", canary("OwnBearer"))), 200),
        (own().header("cookie", format!("session={}", canary("Cookie"))), 200),
        (own().header("user-agent", format!("agent/{WITNESS}")), 200),
        (own().header("proxy-authorization", format!("Basic {}", canary("ProxyAuth"))), 200),
        (own().header("x-dashboard-key", canary("DashboardHeader")), 200),
        (own().header("x-session-token", canary("TokenHeader")), 200),
        (own().header("x-note", key("sk-ant-oat01-", "Note")), 200),
        (own().header("x-ref", key("a cnp_live_", "Ref")), 200),
        (own().header("x-forwarded-auth", format!("Bearer {}", canary("Forwarded"))), 200),
        (own().header("user-agent", key("agent/1 ghp_", "Agent")), 200),
        (own().header("referer", format!("https://me:{}@host/", canary("Referer"))), 200),
        (own().header("x-link", key("https://hooks.slack.com/services/T0/B0/", "Link")), 200),
        (post("pass.test", &query).header("x-api-key", key("sk-ant-api03-", "Own")), 200),
        (models.header("x-api-key", key("sk-ant-api03-", "Models")), 200),
        (with("key.test", "x-api-key", key("cnp_live_", "Client")), 200),
        (with("key.test", "authorization", format!("Bearer {}", canary("PlainClient"))), 200),
        (with("key.test", "x-api-key", key("cnp_live_", "Wrong")), 401),
        (with("login.test", "x-api-key", key("cnp_live_", "Login")), 200),
        (with("dead.test", "x-api-key", key("cnp_live_", "Dead")), 502),
        (with("broken.test", "x-api-key", key("cnp_live_", "Unknown")), 401),
        (with("pass.test", "x-api-key", key("cnp_live_", "Stray")), 401),
        (with("pass.test", "x-api-key", canary("PlainClient")), 401),
        (with("pass.test", "x-api-key", key("sk-ant-invalid-", "Invalid")), 401),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_rests_anywhere_but_in_the_credential_files() {
    let planted = plant().await;
    let nexus = &planted.nexus;
    for (number, (request, expected)) in requests(nexus).into_iter().enumerate() {
        let answer = request.send().await.expect("an answer");
        let (status, _body) = (answer.status().as_u16(), answer.bytes().await.expect("a body"));
        assert_eq!(status, expected, "request {number}\n{}", nexus.log());
    }
    // 17 that the upstream answered, one that it refused; what the gateway refuses is no exchange.
    let api = nexus_e2e::Api::new(nexus.dashboard(), &planted.dashboard_key);
    let rows = wait::until("the exchanges", DRAIN, async || api.find_settled(18).await).await;
    let mut found = Vec::new();
    for row in &rows {
        let id = row["requestId"].as_str().expect("an id");
        look(&mut found, id, api.text(&format!("requests/{id}")).await.expect("it").as_bytes());
    }
    told(nexus).await;
    look_at_pages(&mut found, &planted).await;
    look_at_files(&mut found, nexus.dir());
    assert!(nexus.log().contains("nexus_store::sql"), "no statements among what is logged");
    assert!(found.is_empty(), "{found:#?}");
}

/// Waits until notices have been tried, so that what is logged of them is there.
async fn told(nexus: &Nexus) {
    let url = format!("{}/metrics", nexus.url());
    wait::until("the notices", SOON, async || {
        let text = http_client().get(&url).send().await.ok()?.text().await.ok()?;
        let count = text.matches("nexus_gateway_messages_total{").count();
        (count >= 3).then_some(())
    })
    .await;
}

/// Notes where a secret stands, with what is around it.
fn look(found: &mut Vec<String>, place: &str, bytes: &[u8]) {
    for mark in [&[MARK], &ISSUED[..]].concat() {
        if let Some(at) = bytes.windows(mark.len()).position(|part| part == mark.as_bytes()) {
            let around = &bytes[at.saturating_sub(80)..bytes.len().min(at + 60)];
            found.push(format!("{place}: {}", String::from_utf8_lossy(around)));
        }
    }
}

/// Every page that links lead to, from the first one, and both ports' metrics.
async fn look_at_pages(found: &mut Vec<String>, planted: &Planted) {
    let client = http_client();
    let get = async |url: String| {
        let request = client.get(&url).header("x-dashboard-key", &planted.dashboard_key);
        request.send().await.expect("an answer").text().await.unwrap_or_default()
    };
    let nexus = &planted.nexus;
    for url in ["/", "/metrics", "/health", "/client-setup/nexus.sh"] {
        look(found, url, get(nexus.url() + url).await.as_bytes());
    }
    look(found, "/token-stats", get(nexus.url() + "/token-stats").await.as_bytes());
    let (mut seen, mut next) = (BTreeSet::new(), VecDeque::from(["/".to_owned()]));
    while let Some(path) = next.pop_front().filter(|_| seen.len() < MAX_PAGES) {
        let page = get(nexus.dashboard() + &path).await;
        look(found, &path, page.as_bytes());
        for link in page.split("href=\"/").skip(1).filter_map(|rest| rest.split('"').next()) {
            let link = format!("/{}", link.replace("&amp;", "&"));
            let leads_on = !link.starts_with("/assets") && !link.contains("logout");
            if leads_on && seen.insert(link.clone()) {
                next.push_back(link);
            }
        }
    }
    assert!(seen.len() > 20, "hardly any pages: {seen:?}");
}

/// Journal, event stream, store, samples and logs.
fn look_at_files(found: &mut Vec<String>, dir: &Path) {
    let files = scan::files(dir);
    let names: Vec<_> = files.iter().map(|path| path.display().to_string()).collect();
    for part in ["journal/", "stream/events.sqlite", "nexus.sqlite", "log.0", "test-samples/"] {
        assert!(names.iter().any(|name| name.contains(part)), "no {part} among {names:?}");
    }
    let mut is_seen = false;
    for path in files {
        let name = path.display().to_string();
        look_inside(found, &name, &std::fs::read(&path).expect("a readable file"));
        if name.ends_with(".sqlite") {
            let is_store = name.ends_with("nexus.sqlite");
            for value in values(&path) {
                look_inside(found, &name, &value);
                if is_store && !is_seen {
                    scan::layers(&value, |plain| is_seen |= scan::holds(plain, WITNESS));
                }
            }
        }
    }
    assert!(is_seen, "the headers in the store are not looked at");
}

/// Every text and every blob of every table: a file's pages cut them into pieces.
fn values(path: &Path) -> Vec<Vec<u8>> {
    let script = "import sqlite3, sys\n\
        c = sqlite3.connect(sys.argv[1])\n\
        c.text_factory = bytes\n\
        names = [r[0].decode() for r in c.execute(\"select name from sqlite_master where type='table' and sql not like '%VIRTUAL%'\")]\n\
        for name in names:\n\
        \x20   for row in c.execute('select * from \"%s\"' % name):\n\
        \x20       for value in row:\n\
        \x20           if isinstance(value, bytes): print(value.hex())\n";
    let output = Command::new("python3").args(["-c", script]).arg(path).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("hex");
    lines.lines().map(|line| hex::decode(line).expect("hex")).collect()
}

/// The bytes as they are, and what is compressed in them.
fn look_inside(found: &mut Vec<String>, place: &str, bytes: &[u8]) {
    scan::layers(bytes, |plain| look(found, place, plain));
}
