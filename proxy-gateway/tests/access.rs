//! Who passes, with which credential, and what a credential file may go through meanwhile.

mod support;

use std::{fs, path::Path, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use futures::{StreamExt, stream};
use nexus_gateway::{GatewayConfig, RateLimit};
use nexus_scripted::{
    Answer, Request, Server, Service,
    oauth::{Failure, OAuth},
};
use support::{LIMIT, Running, config, raw, start_in};
use tempfile::TempDir;

struct Fine;

impl Service for Fine {
    fn answer(&self, _request: &Request) -> Answer {
        Answer::new(200).body("{}")
    }
}

struct Shared(Arc<OAuth>);

impl Service for Shared {
    fn answer(&self, request: &Request) -> Answer {
        self.0.answer(request)
    }
}

const KEY: &str = "cnp_live_0123456789abcdef0123456789abcdef";
const FORM: &str = r#"{"type":"api_key","accountId":"acc_1","api_key":"sk-ant-stored","client_api_key":["cnp_live_0123456789abcdef0123456789abcdef","cnp_live_next0000000000000000000000000"]}"#;

fn upstream() -> Server {
    Server::local(Fine).expect("a free port")
}

/// Settings with a credential directory in `dir`.
fn with_dir(upstream: &Server, dir: &Path) -> GatewayConfig {
    let mut config = config(&upstream.url());
    config.access.credentials_dir = dir.join("credentials");
    config.access.allow_passthrough = false;
    fs::create_dir_all(&config.access.credentials_dir).expect("made");
    config
}

fn file(dir: &Path, domain: &str) -> std::path::PathBuf {
    dir.join("credentials").join(format!("{domain}.credentials.json"))
}

async fn call(gateway: &Running, fields: &str) -> raw::Reply {
    raw::send(gateway.addr, &raw::post("/v1/messages", fields, b"{}")).await
}

fn last_seen(upstream: &Server) -> Request {
    upstream.seen().entries().pop().expect("something arrived").request
}

/// Waits for a file's change to take effect.
async fn until<F: AsyncFn() -> bool>(condition: F) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.expect("it takes effect");
}

#[tokio::test]
async fn a_client_key_brings_the_stored_credential_and_stays_here() {
    let (upstream, dir) = (upstream(), tempfile::tempdir().expect("a folder"));
    let config = with_dir(&upstream, dir.path());
    fs::write(file(dir.path(), "test.local"), FORM).expect("written");
    let gateway = start_in(config, dir);
    for fields in [
        format!("x-api-key: {KEY}\r\n"),
        format!("Authorization: Bearer {KEY}\r\n"),
        "authorization: bearer cnp_live_next0000000000000000000000000\r\n".to_owned(),
        format!("x-api-key: other\r\nauthorization: Bearer {KEY}\r\n"),
    ] {
        assert_eq!(call(&gateway, &fields).await.status, 200, "{fields}");
        let seen = last_seen(&upstream);
        assert_eq!(seen.header("x-api-key"), Some("sk-ant-stored"));
        assert_eq!(seen.header("authorization"), None);
        assert!(!String::from_utf8_lossy(&seen.head).contains("cnp_"));
    }
    let key = format!("x-api-key: {KEY}\r\n");
    let in_cookie = format!("{key}cookie: a=b; key={KEY}\r\n");
    let in_query = format!("/v1/messages?beta=true&key={KEY}");
    for (path, fields) in [("/v1/messages", &in_cookie), (&*in_query, &key)] {
        let reply = raw::send(gateway.addr, &raw::post(path, fields, b"{}")).await;
        assert_eq!(reply.status, 401, "{path}");
    }
    assert_eq!(upstream.seen().count(), 4, "what would take a key along stays here");
    let event = gateway.event().await;
    assert_eq!(event.envelope.account_id.as_deref(), Some("acc_1"));
}

#[tokio::test]
async fn refusals_say_the_same_of_known_and_unknown_domains() {
    let (upstream, dir) = (upstream(), tempfile::tempdir().expect("a folder"));
    let config = with_dir(&upstream, dir.path());
    fs::write(file(dir.path(), "test.local"), FORM).expect("written");
    let gateway = start_in(config, dir);
    let mut answers = Vec::new();
    for (host, fields) in [
        ("test.local", ""),
        ("test.local", "x-api-key: cnp_live_wrong\r\n"),
        ("test.local", "x-api-key: sk-ant-own\r\n"),
        ("other.local", ""),
        ("other.local", "x-api-key: cnp_live_wrong\r\n"),
    ] {
        let request = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: {host}\r\n{fields}content-length: 2\r\n\r\n{{}}"
        );
        let reply = raw::send(gateway.addr, request.as_bytes()).await;
        assert_eq!(reply.status, 401);
        assert!(reply.field("www-authenticate").is_some());
        let mut body = reply.json();
        body["request_id"] = "".into();
        answers.push((body, reply.field("content-length").map(ToOwned::to_owned)));
    }
    assert!(answers.windows(2).all(|two| two[0] == two[1]));
    assert_eq!(upstream.seen().count(), 0);
}

#[tokio::test]
async fn passing_through_keeps_the_clients_credential_and_never_a_client_key() {
    let (upstream, dir) = (upstream(), tempfile::tempdir().expect("a folder"));
    let mut config = with_dir(&upstream, dir.path());
    config.access.allow_passthrough = true;
    let gateway = start_in(config, dir);
    assert_eq!(call(&gateway, "authorization: Bearer sk-ant-oat01-own\r\n").await.status, 200);
    assert_eq!(last_seen(&upstream).header("authorization"), Some("Bearer sk-ant-oat01-own"));
    assert_eq!(call(&gateway, &format!("x-api-key: {KEY}\r\n")).await.status, 401);
    assert_eq!(upstream.seen().count(), 1);
}

#[tokio::test]
async fn a_client_key_of_another_domain_never_goes_up_whatever_it_looks_like() {
    let (upstream, dir) = (upstream(), tempfile::tempdir().expect("a folder"));
    let mut config = with_dir(&upstream, dir.path());
    config.access.allow_passthrough = true;
    let form = r#"{"type":"api_key","api_key":"sk-ant-stored","client_api_key":"open sesame"}"#;
    fs::write(file(dir.path(), "team.local"), form).expect("written");
    let with_colon = form.replace("open sesame", "open:sesame");
    fs::write(file(dir.path(), "other.local"), with_colon).expect("written");
    let gateway = start_in(config, dir);
    assert_eq!(call(&gateway, "x-api-key: open sesame\r\n").await.status, 401);
    for shown in [
        "Bearer open sesame",
        "open sesame",
        "cnp_live_x",
        "Token cnp_live_x",
        "Bearer\tcnp_live_x",
        "Bearer \"cnp_live_x\"",
    ] {
        let reply = call(&gateway, &format!("authorization: {shown}\r\n")).await;
        assert_eq!(reply.status, 401, "{shown}");
    }
    for pair in ["cnp_live_x:", "user:cnp_live_x", "user:open sesame", "u:open:sesame"] {
        let basic = BASE64_STANDARD.encode(pair);
        let reply = call(&gateway, &format!("authorization: Basic {basic}\r\n")).await;
        assert_eq!(reply.status, 401, "{pair}");
    }
    assert_eq!(call(&gateway, "cookie: a=b; key=cnp_live_x\r\n").await.status, 401);
    let own = "x-api-key: sk-ant-own\r\ncookie: a=cnp\r\n";
    for (path, status) in [("/v1/messages?key=cnp_live_x", 401), ("/v1/messages?key=cnp", 200)] {
        let reply = raw::send(gateway.addr, &raw::post(path, own, b"{}")).await;
        assert_eq!(reply.status, status, "{path}");
    }
    assert_eq!(upstream.seen().count(), 1);
}

#[tokio::test]
async fn a_client_key_never_goes_up_even_when_its_file_is_gone() {
    let (upstream, dir) = (upstream(), tempfile::tempdir().expect("a folder"));
    let mut config = with_dir(&upstream, dir.path());
    config.access.allow_passthrough = true;
    let form = r#"{"type":"api_key","api_key":"sk-ant-stored","client_api_key":"open sesame"}"#;
    let path = file(dir.path(), "test.local");
    fs::write(&path, form).expect("written");
    let gateway = start_in(config, dir);
    assert_eq!(call(&gateway, "x-api-key: open sesame\r\n").await.status, 200);
    assert_eq!(call(&gateway, "x-api-key: sk-ant-own\r\n").await.status, 401);
    fs::remove_file(&path).expect("removed");
    until(async || call(&gateway, "x-api-key: sk-ant-own\r\n").await.status == 200).await;
    let before = upstream.seen().count();
    assert_eq!(call(&gateway, "x-api-key: open sesame\r\n").await.status, 401);
    assert_eq!(call(&gateway, "authorization: Bearer open sesame\r\n").await.status, 401);
    assert_eq!(upstream.seen().count(), before);
}

#[tokio::test]
async fn a_client_key_does_not_hide_behind_many_others() {
    let (upstream, dir) = (upstream(), tempfile::tempdir().expect("a folder"));
    let mut config = with_dir(&upstream, dir.path());
    config.access.allow_passthrough = true;
    let gateway = start_in(config, dir);
    let others = "x-api-key: sk-ant-own\r\n".repeat(4);
    assert_eq!(call(&gateway, &others).await.status, 200);
    assert_eq!(call(&gateway, &format!("{others}x-api-key: {KEY}\r\n")).await.status, 401);
    assert_eq!(upstream.seen().count(), 1);
}

#[tokio::test]
async fn without_client_authentication_anyone_gets_the_stored_credential() {
    let (upstream, dir) = (upstream(), tempfile::tempdir().expect("a folder"));
    let mut config = with_dir(&upstream, dir.path());
    config.access.client_auth = false;
    fs::write(file(dir.path(), "test.local"), FORM).expect("written");
    let gateway = start_in(config, dir);
    assert_eq!(call(&gateway, "x-api-key: whatever\r\n").await.status, 200);
    assert_eq!(last_seen(&upstream).header("x-api-key"), Some("sk-ant-stored"));
}

#[tokio::test]
async fn the_domain_comes_from_host_alone() {
    let (upstream, dir) = (upstream(), tempfile::tempdir().expect("a folder"));
    let config = with_dir(&upstream, dir.path());
    fs::write(file(dir.path(), "test.local"), FORM).expect("written");
    let gateway = start_in(config, dir);
    let with_host = async |host: &str, more: &str| {
        let request = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: {host}\r\nx-api-key: {KEY}\r\n{more}content-length: 2\r\n\r\n{{}}"
        );
        raw::send(gateway.addr, request.as_bytes()).await.status
    };
    assert_eq!(with_host("TEST.local:3000", "").await, 200);
    assert_eq!(with_host("other.local", "x-forwarded-host: test.local\r\n").await, 401);
    assert_eq!(with_host("other.local", "forwarded: host=test.local\r\n").await, 401);
    for host in ["../test.local", "test.local/..", "test.local%00", "a b", "test..local", ""] {
        assert_eq!(with_host(host, "").await, 400, "{host:?}");
    }
}

#[tokio::test]
async fn whatever_happens_to_the_file_the_last_good_version_serves() {
    let (upstream, dir) = (upstream(), tempfile::tempdir().expect("a folder"));
    let config = with_dir(&upstream, dir.path());
    let path = file(dir.path(), "test.local");
    fs::write(&path, FORM).expect("written");
    let gateway = start_in(config, dir);
    let serves = async || {
        let reply = call(&gateway, &format!("x-api-key: {KEY}\r\n")).await;
        reply.status == 200 && last_seen(&upstream).header("x-api-key") == Some("sk-ant-stored")
    };
    let degraded = async || {
        let health =
            raw::send(gateway.addr, b"GET /health HTTP/1.1\r\nhost: h\r\n\r\n").await.json();
        health["credentials"]["problems"] == 1
    };
    assert!(serves().await);
    // Whichever of these the gateway comes to see.
    for cut in 0..FORM.len() {
        fs::write(&path, &FORM[..cut]).expect("written");
        assert!(serves().await, "cut at {cut}");
    }
    let spoil: [&dyn Fn(); 5] = [
        &|| fs::write(&path, &FORM[..40]).expect("written"),
        &|| fs::write(&path, "").expect("written"),
        &|| {
            fs::remove_file(&path).expect("removed");
            fs::create_dir(&path).expect("made");
        },
        &|| {
            fs::remove_dir(&path).expect("removed");
            std::os::unix::fs::symlink("/etc/hostname", &path).expect("linked");
        },
        &|| fs::remove_file(&path).expect("removed"),
    ];
    for (step, spoil) in spoil.iter().enumerate() {
        spoil();
        until(degraded).await;
        assert!(serves().await, "step {step}");
    }
    fs::write(&path, FORM.replace("sk-ant-stored", "sk-ant-renewed")).expect("written");
    until(async || {
        call(&gateway, &format!("x-api-key: {KEY}\r\n")).await;
        last_seen(&upstream).header("x-api-key") == Some("sk-ant-renewed")
    })
    .await;
    fs::remove_file(&path).expect("removed");
    until(async || call(&gateway, &format!("x-api-key: {KEY}\r\n")).await.status == 401).await;
}

fn oauth_form(expires_at: i64) -> String {
    format!(
        r#"{{"type":"oauth","client_api_key":"{KEY}","note":"stays","oauth":{{"accessToken":"sk-ant-oat01-old","refreshToken":"sk-ant-ort01-old","expiresAt":{expires_at},"isMax":true}}}}"#
    )
}

/// A token server that knows the refresh token of [`oauth_form`].
fn token_server() -> (Arc<OAuth>, Server) {
    let oauth = Arc::new(OAuth::new(3600));
    oauth.know("sk-ant-ort01-old");
    let server = Server::local(Shared(oauth.clone())).expect("a free port");
    (oauth, server)
}

#[tokio::test]
async fn an_expired_pair_is_renewed_once_for_all_processes_that_share_it() {
    let (upstream, (oauth, tokens)) = (upstream(), token_server());
    let shared = tempfile::tempdir().expect("a folder");
    let mut config = with_dir(&upstream, shared.path());
    config.access.oauth_token_url = format!("{}/v1/oauth/token", tokens.url());
    let path = file(shared.path(), "test.local");
    fs::write(&path, oauth_form(0)).expect("written");
    let folder = || tempfile::tempdir().expect("a folder");
    let gateways: Vec<_> = (0..4).map(|_| start_in(config.clone(), folder())).collect();
    let field = format!("x-api-key: {KEY}\r\n");
    let field = field.as_str();
    let calls = (0..100).flat_map(|_| gateways.iter().map(move |gateway| call(gateway, field)));
    let statuses: Vec<_> = stream::iter(calls).buffer_unordered(100).collect().await;
    assert!(statuses.len() == 400 && statuses.iter().all(|reply| reply.status == 200));
    assert_eq!(oauth.issued(), 1, "a refresh token works once");
    for entry in upstream.seen().entries() {
        assert_eq!(entry.request.header("authorization"), Some("Bearer sk-ant-oat01-scripted-1"));
        assert_eq!(entry.request.header("anthropic-beta"), Some("oauth-2025-04-20"));
    }
    let saved: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).expect("read")).expect("JSON");
    assert_eq!(saved["oauth"]["refreshToken"], "sk-ant-ort01-scripted-1");
    assert_eq!((&saved["note"], &saved["oauth"]["isMax"]), (&"stays".into(), &true.into()));
}

#[tokio::test]
async fn a_failed_renewal_sends_nothing_up() {
    let (upstream, (oauth, tokens)) = (upstream(), token_server());
    for _ in 0..20 {
        oauth.fail_next(Failure::Status(500));
    }
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = with_dir(&upstream, dir.path());
    config.access.oauth_token_url = format!("{}/v1/oauth/token", tokens.url());
    config.access.renewal_timeout = Duration::from_millis(200);
    fs::write(file(dir.path(), "test.local"), oauth_form(0)).expect("written");
    let gateway = start_in(config, dir);
    let reply = call(&gateway, &format!("x-api-key: {KEY}\r\n")).await;
    assert_eq!(reply.status, 502);
    assert_eq!(upstream.seen().count(), 0);
    assert!(!reply.text().contains("sk-ant"));
    let problems = async || health(&gateway).await["credentials"]["problems"].clone();
    until(async || problems().await == 1).await;
    // Renewed by hand: what became of the pair before says nothing of this one.
    fs::write(file(gateway.dir.path(), "test.local"), oauth_form(i64::MAX)).expect("written");
    until(async || problems().await == 0).await;
    assert_eq!(call(&gateway, &format!("x-api-key: {KEY}\r\n")).await.status, 200);
}

/// Beside a name as long as this there is room for the lock's name and for no longer one, whoever the
/// process runs as.
#[tokio::test]
async fn a_pair_that_cannot_be_replaced_is_not_spent() {
    let (upstream, (oauth, tokens)) = (upstream(), token_server());
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = with_dir(&upstream, dir.path());
    config.access.oauth_token_url = format!("{}/v1/oauth/token", tokens.url());
    let domain = ["long"; 44].join(".");
    let path = file(dir.path(), &domain);
    fs::write(&path, oauth_form(0)).expect("written");
    let gateway = start_in(config, dir);
    until(async || health(&gateway).await["credentials"]["problems"] == 1).await;
    assert_eq!((tokens.seen().count(), oauth.issued()), (0, 0), "nobody was asked");
    assert_eq!(fs::read_to_string(&path).expect("read"), oauth_form(0));
}

/// A folder in the place of the pair's lock is in everybody's way, too.
#[tokio::test]
async fn a_pair_is_renewed_soon_after_it_can_be_written_again() {
    let (upstream, (oauth, tokens)) = (upstream(), token_server());
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = with_dir(&upstream, dir.path());
    config.access.oauth_token_url = format!("{}/v1/oauth/token", tokens.url());
    let path = file(dir.path(), "test.local");
    let lock = path.with_extension("json.lock");
    fs::create_dir(&lock).expect("made");
    fs::write(&path, oauth_form(0)).expect("written");
    let gateway = start_in(config, dir);
    let problems = async || health(&gateway).await["credentials"]["problems"].clone();
    until(async || problems().await == 1).await;
    assert_eq!(tokens.seen().count(), 0, "nobody was asked");
    fs::remove_dir(&lock).expect("removed");
    until(async || problems().await == 0).await;
    assert_eq!(oauth.issued(), 1);
    assert_eq!(call(&gateway, &format!("x-api-key: {KEY}\r\n")).await.status, 200);
}

/// All tasks of this gateway share one thread, so that one which blocks is noticed.
#[tokio::test]
async fn a_pipe_in_the_place_of_a_pair_holds_up_nobody() {
    let (upstream, (oauth, tokens)) = (upstream(), token_server());
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = with_dir(&upstream, dir.path());
    config.access.oauth_token_url = format!("{}/v1/oauth/token", tokens.url());
    let (pair, edited) = (file(dir.path(), "pair.local"), file(dir.path(), "test.local"));
    fs::write(&pair, oauth_form(0)).expect("written");
    let gateway = start_in(config, dir);
    // Nothing of the gateway has run yet: it knows the pair, and is about to renew it.
    fs::remove_file(&pair).expect("removed");
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
    rustix::fs::mknodat(rustix::fs::CWD, pair.as_path(), kind, mode, 0).expect("made");
    tokio::time::sleep(Duration::from_millis(100)).await;
    fs::write(&edited, FORM).expect("written");
    until(async || call(&gateway, &format!("x-api-key: {KEY}\r\n")).await.status == 200).await;
    assert_eq!(oauth.issued(), 0);
}

async fn health(gateway: &Running) -> serde_json::Value {
    raw::send(gateway.addr, b"GET /health HTTP/1.1\r\nhost: h\r\n\r\n").await.json()
}

#[tokio::test]
async fn health_says_how_the_directory_stands() {
    let (upstream, dir) = (upstream(), tempfile::tempdir().expect("a folder"));
    let config = with_dir(&upstream, dir.path());
    let credentials = config.access.credentials_dir.clone();
    let gateway = start_in(config, dir);
    let stands = async |status: &str, directory: &str| {
        let health = health(&gateway).await;
        health["status"] == status && health["credentials"]["directory"] == directory
    };
    assert!(stands("ok", "ok").await);
    fs::remove_dir(&credentials).expect("removed");
    until(async || stands("ok", "missing").await).await;
    fs::write(&credentials, "").expect("written");
    until(async || stands("degraded", "unreadable").await).await;
}

#[tokio::test]
async fn limits_of_the_upstream_pass_beside_the_gateways_own() {
    struct Limited;
    impl Service for Limited {
        fn answer(&self, _request: &Request) -> Answer {
            Answer::new(200).header("x-ratelimit-limit", "77").body("{}")
        }
    }
    let upstream = Server::local(Limited).expect("a free port");
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = with_dir(&upstream, dir.path());
    config.limits.per_domain = Some(RateLimit { requests: 1, window: Duration::from_hours(1) });
    fs::write(file(dir.path(), "test.local"), FORM).expect("written");
    let gateway = start_in(config, dir);
    let field = format!("x-api-key: {KEY}\r\n");
    let first = call(&gateway, &field).await;
    assert_eq!(first.field("x-ratelimit-limit"), Some("77"), "the upstream's stays");
    assert_eq!(first.field("x-ratelimit-remaining"), Some("0"));
    let refused = call(&gateway, &field).await;
    assert_eq!((refused.status, refused.field("x-ratelimit-limit")), (429, Some("1")));
}

#[tokio::test]
async fn a_key_has_so_many_requests_a_window() {
    let (upstream, dir): (_, TempDir) = (upstream(), tempfile::tempdir().expect("a folder"));
    let mut config = with_dir(&upstream, dir.path());
    config.limits.per_key = Some(RateLimit { requests: 2, window: Duration::from_hours(1) });
    fs::write(file(dir.path(), "test.local"), FORM).expect("written");
    let gateway = start_in(config, dir);
    let field = format!("x-api-key: {KEY}\r\n");
    let first = call(&gateway, &field).await;
    assert_eq!((first.status, first.field("x-ratelimit-remaining")), (200, Some("1")));
    assert_eq!(call(&gateway, &field).await.field("x-ratelimit-remaining"), Some("0"));
    let refused = call(&gateway, &field).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["error"]["type"], "rate_limit_error");
    let after: u64 = refused.field("retry-after").expect("said").parse().expect("whole seconds");
    assert!((1..=1800).contains(&after));
    let other = "x-api-key: cnp_live_next0000000000000000000000000\r\n";
    assert_eq!(call(&gateway, other).await.status, 200, "another key has its own window");
    assert_eq!(upstream.seen().count(), 3);
}
