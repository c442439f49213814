//! Calls to the upstream: again after a failure, on connections used before, answered early; and the
//! login that makes a credential.

mod support;

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use nexus_contract::{SystemClock, TerminalState};
use nexus_gateway::{
    AccessConfig,
    credentials::{Login, LoginError, OAuthClient},
};
use nexus_scripted::{Answer, Request, Server, Service, http_client, oauth::OAuth};
use support::{LIMIT, config, raw, start};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout},
};

/// Answers one after the other; the last one for ever.
struct InTurn(Mutex<Vec<Answer>>);

impl Service for InTurn {
    fn answer(&self, _request: &Request) -> Answer {
        let mut answers = self.0.lock().expect("not poisoned");
        if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
    }
}

fn in_turn(statuses: &[u16]) -> Server {
    let answers = statuses.iter().map(|status| Answer::new(*status).body("{}")).collect();
    Server::local(InTurn(Mutex::new(answers))).expect("a free port")
}

async fn call(addr: std::net::SocketAddr) -> raw::Reply {
    raw::send(addr, &raw::post("/v1/messages", "", b"{\"a\":1}")).await
}

#[tokio::test]
async fn a_listed_status_is_tried_again_with_the_same_bytes() {
    let upstream = in_turn(&[529, 529, 200]);
    let mut config = config(&upstream.url());
    config.upstream.retry_status = vec![529, 429];
    let gateway = start(config);
    assert_eq!(call(gateway.addr).await.status, 200);
    let seen = upstream.seen().entries();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|entry| entry.request.body == b"{\"a\":1}"[..]));
    let (finished, _) = gateway.finished().await;
    assert_eq!((finished.state, finished.upstream_calls), (TerminalState::Completed, 3));
}

#[tokio::test]
async fn the_last_answer_passes_and_a_429_is_never_repeated() {
    for (statuses, expected, calls) in
        [(&[529][..], 529, 3), (&[429, 200], 429, 1), (&[500, 200], 500, 1)]
    {
        let upstream = in_turn(statuses);
        let mut config = config(&upstream.url());
        config.upstream.retry_status = vec![529, 429];
        let gateway = start(config);
        assert_eq!(call(gateway.addr).await.status, expected);
        assert_eq!(upstream.seen().count(), calls, "{statuses:?}");
    }
}

#[tokio::test]
async fn a_short_pause_that_the_upstream_asks_for_is_kept_and_a_long_one_is_the_clients() {
    for (asked, expected, calls) in [("1", 200, 2), ("60", 529, 1)] {
        let busy = Answer::new(529).header("retry-after", asked).body("{}");
        let answers = vec![busy, Answer::new(200).body("{}")];
        let upstream = Server::local(InTurn(Mutex::new(answers))).expect("a free port");
        let mut config = config(&upstream.url());
        config.upstream.retry_status = vec![529];
        let gateway = start(config);
        let began = Instant::now();
        let reply = call(gateway.addr).await;
        assert_eq!((reply.status, upstream.seen().count()), (expected, calls), "{asked}");
        let waited = began.elapsed() >= Duration::from_secs(1);
        assert_eq!(waited, calls > 1, "{asked}: {:?}", began.elapsed());
        let after = reply.field("retry-after");
        assert_eq!(after, (calls == 1).then_some(asked), "what passes says when to come back");
    }
}

#[tokio::test]
async fn no_pause_outlasts_the_request() {
    let answers = vec![Answer::new(529).header("retry-after", "20").body("busy")];
    let upstream = Server::local(InTurn(Mutex::new(answers))).expect("a free port");
    let mut config = config(&upstream.url());
    config.upstream.retry_status = vec![529];
    config.upstream.timeout = Duration::from_secs(10);
    let gateway = start(config);
    let began = Instant::now();
    let reply = call(gateway.addr).await;
    assert_eq!((reply.status, reply.text().as_str()), (529, "busy"), "and no time-out later");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(gateway.finished().await.0.state, TerminalState::UpstreamError);
}

/// Serves by hand: `serve` gets each connection and its number.
async fn by_hand<F, R>(serve: F) -> (std::net::SocketAddr, Arc<AtomicU64>)
where
    F: Fn(TcpStream, u64) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("bound");
    let connections = Arc::new(AtomicU64::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            tokio::spawn(serve(io, count.fetch_add(1, Relaxed)));
        }
    });
    (addr, connections)
}

/// Reads one request, whose body ends like that of [`call`].
async fn read_request(io: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    let mut buf = [0; 4096];
    while !request.ends_with(b"{\"a\":1}") {
        match io.read(&mut buf).await {
            Ok(0) | Err(_) => return false,
            Ok(read) => request.extend_from_slice(&buf[..read]),
        }
    }
    true
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test]
async fn connections_are_used_again_until_the_upstream_closes_them() {
    let (addr, connections) = by_hand(|mut io, _number| async move {
        for _ in 0..3 {
            if !read_request(&mut io).await {
                return;
            }
            io.write_all(OK).await.expect("sent");
        }
    })
    .await;
    let mut config = config(&format!("http://{addr}"));
    config.clients.workers = Some(1);
    let gateway = start(config);
    for _ in 0..7 {
        assert_eq!(call(gateway.addr).await.status, 200);
    }
    assert_eq!(connections.load(Relaxed), 3);
}

#[tokio::test]
async fn a_connection_that_dies_under_a_request_costs_another_try() {
    // The first connection answers once, takes a second request, and closes without a word.
    let (addr, connections) = by_hand(|mut io, number| async move {
        for turn in 0..10 {
            if !read_request(&mut io).await || (number, turn) == (0, 1) {
                return;
            }
            io.write_all(OK).await.expect("sent");
        }
    })
    .await;
    let mut config = config(&format!("http://{addr}"));
    config.clients.workers = Some(1);
    let gateway = start(config);
    assert_eq!(call(gateway.addr).await.status, 200);
    assert_eq!(call(gateway.addr).await.status, 200);
    assert_eq!(connections.load(Relaxed), 2);
}

#[tokio::test]
async fn a_connection_that_dies_under_a_large_body_costs_another_try() {
    // The first connection answers once, and closes in the middle of a second request.
    let (addr, connections) = by_hand(|mut io, number| async move {
        if !read_request(&mut io).await {
            return;
        }
        io.write_all(OK).await.expect("sent");
        if number == 0 {
            let mut part = vec![0; 2 << 20];
            io.read_exact(&mut part).await.expect("a part of the request");
        }
    })
    .await;
    let mut config = config(&format!("http://{addr}"));
    config.clients.workers = Some(1);
    let gateway = start(config);
    assert_eq!(call(gateway.addr).await.status, 200);
    let body = [vec![b' '; 8 << 20], b"{\"a\":1}".to_vec()].concat();
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", &body)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(connections.load(Relaxed), 2);
}

/// With Nagle's algorithm on either side small events would come in bunches, one every 40 ms.
#[tokio::test]
async fn small_events_come_as_they_are_sent() {
    const EVENTS: usize = 20;
    const EVENT: &str = "data: 1\n\n";
    let (addr, _) = by_hand(|mut io, _number| async move {
        io.set_nodelay(true).expect("a socket option");
        assert!(read_request(&mut io).await);
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        io.write_all(head).await.expect("sent");
        for _ in 0..EVENTS {
            sleep(Duration::from_millis(5)).await;
            io.write_all(EVENT.as_bytes()).await.expect("sent");
        }
    })
    .await;
    let gateway = start(config(&format!("http://{addr}")));
    let mut io = raw::connect(gateway.addr).await;
    io.write_all(&raw::post("/v1/messages", "", b"{\"a\":1}")).await.expect("sent");
    // Between reads, not between events: those of a bunch would come in one read.
    let (mut received, mut gaps, mut last) = (String::new(), Vec::new(), Instant::now());
    let mut buf = [0; 4096];
    while received.matches(EVENT).count() < EVENTS {
        let read = timeout(LIMIT, io.read(&mut buf)).await.expect("in time").expect("more");
        assert!(read > 0, "{received}");
        received.push_str(&String::from_utf8_lossy(&buf[..read]));
        gaps.push(last.elapsed());
        last = Instant::now();
    }
    gaps.sort_unstable();
    assert!(gaps[gaps.len() / 2] < Duration::from_millis(20), "{gaps:?}");
}

#[tokio::test]
async fn an_answer_before_the_requests_end_passes() {
    let (addr, _) = by_hand(|mut io, _number| async move {
        let mut buf = [0; 4096];
        let _head = io.read(&mut buf).await.expect("a head");
        let early =
            b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\nconnection: close\r\n\r\nearly";
        io.write_all(early).await.expect("sent");
        // A proper server reads on for a while, or the client would lose the answer.
        while io.read(&mut buf).await.is_ok_and(|read| read > 0) {}
    })
    .await;
    let gateway = start(config(&format!("http://{addr}")));
    let mut io = raw::connect(gateway.addr).await;
    let head = b"POST /v1/messages HTTP/1.1\r\nhost: h\r\ncontent-length: 1000000\r\n\r\nbegin";
    io.write_all(head).await.expect("sent");
    let reply = raw::read(&mut io).await;
    assert_eq!((reply.status, reply.text().as_str()), (413, "early"));
    let (finished, _) = timeout(LIMIT, gateway.finished()).await.expect("recorded");
    assert_eq!(finished.state, TerminalState::UpstreamError);
}

/// A login, the code that its page shows, and the client that redeems it.
async fn begun(tokens: &Server) -> (Login, String, OAuthClient) {
    let config = AccessConfig {
        oauth_token_url: format!("{}/v1/oauth/token", tokens.url()),
        oauth_authorize_url: format!("{}/oauth/authorize", tokens.url()),
        ..AccessConfig::default()
    };
    let bits = AtomicU64::new(1);
    let login = Login::begin(&|| bits.fetch_add(1, Relaxed));
    let page =
        http_client().get(login.url(&config).expect("a URL")).send().await.expect("the page");
    let pasted = page.text().await.expect("a code");
    (login, pasted, OAuthClient::new(http_client(), &config))
}

#[tokio::test]
async fn a_login_makes_a_credential_that_keeps_what_was_there() {
    let tokens = Server::local(OAuth::new(3600)).expect("a free port");
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("team.example.credentials.json");
    fs::write(&path, "{\"client_api_key\":\"cnp_live_kept\"}").expect("written");
    let (login, pasted, client) = begun(&tokens).await;
    let finish = async |pasted: &str, domain: &str| {
        login.finish(pasted, dir.path(), domain, &client, &SystemClock, 1).await
    };
    assert!(matches!(finish("code#other", "team.example").await, Err(LoginError::State)));
    assert!(matches!(finish(&pasted, "../team").await, Err(LoginError::Domain)));
    finish(&pasted, "team.example").await.expect("logged in");
    let saved: serde_json::Value =
        serde_json::from_slice(&fs::read(&path).expect("there")).expect("JSON");
    assert_eq!(saved["type"], "oauth");
    assert_eq!(saved["client_api_key"], "cnp_live_kept");
    assert_eq!(saved["oauth"]["accessToken"], "sk-ant-oat01-scripted-1");
    assert!(finish(&pasted, "team.example").await.is_err(), "a code works once");
}

#[tokio::test]
async fn a_login_reads_what_is_there_when_a_refresh_under_way_is_over() {
    let tokens = Server::local(OAuth::new(3600)).expect("a free port");
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("team.example.credentials.json");
    let lock = fs::File::create(dir.path().join("team.example.credentials.json.lock"));
    let lock = lock.expect("made");
    lock.lock().expect("nobody holds it");
    let (login, pasted, client) = begun(&tokens).await;
    let finish = login.finish(&pasted, dir.path(), "team.example", &client, &SystemClock, 1);
    let refresh = async {
        // Behind the login's first look at the lock.
        tokio::task::yield_now().await;
        assert_eq!(tokens.seen().count(), 1, "the code is not spent");
        fs::write(&path, "{\"client_api_key\":\"cnp_live_late\"}").expect("written");
        lock.unlock().expect("held");
    };
    let (finished, ()) = tokio::join!(finish, refresh);
    finished.expect("logged in");
    let saved: serde_json::Value =
        serde_json::from_slice(&fs::read(&path).expect("there")).expect("JSON");
    assert_eq!(saved["client_api_key"], "cnp_live_late");
    assert_eq!(saved["oauth"]["accessToken"], "sk-ant-oat01-scripted-1");
}
