//! What clients should not send, and how they should not behave: on raw sockets.

mod support;

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use nexus_contract::TerminalState;
use nexus_gateway::GatewayConfig;
use nexus_scripted::{
    Answer, Entry, Outcome, Request, Server, Service,
    http::{Coding, HeadFault, Step, encode},
};
use socket2::SockRef;
use support::{LIMIT, Running, config, raw, start};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

struct Fine;

impl Service for Fine {
    fn answer(&self, _request: &Request) -> Answer {
        Answer::new(200).body("{}")
    }
}

struct Always(Answer);

impl Service for Always {
    fn answer(&self, _request: &Request) -> Answer {
        self.0.clone()
    }
}

fn serve(service: impl Service) -> Server {
    Server::local(service).expect("a free port")
}

#[tokio::test]
async fn a_request_that_could_be_read_in_two_ways_is_refused() {
    let upstream = serve(Fine);
    let gateway = start(config(&upstream.url()));
    let post = "POST /v1/messages HTTP/1.1\r\nhost: h\r\n";
    let inner = "0\r\n\r\nGET /v1/smuggled HTTP/1.1\r\nhost: h\r\n\r\n";
    for (name, request) in [
        (
            "length and chunked",
            format!("{post}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n{inner}"),
        ),
        (
            "chunked and length",
            format!("{post}transfer-encoding: chunked\r\ncontent-length: 60\r\n\r\n{inner}"),
        ),
        ("two lengths", format!("{post}content-length: 4\r\ncontent-length: 5\r\n\r\nabcde")),
        ("equal lengths", format!("{post}content-length: 4\r\ncontent-length: 4\r\n\r\nabcd")),
        ("list of lengths", format!("{post}content-length: 4, 4\r\n\r\nabcd")),
        ("signed length", format!("{post}content-length: +4\r\n\r\nabcd")),
        ("negative length", format!("{post}content-length: -1\r\n\r\n")),
        ("huge length", format!("{post}content-length: 99999999999999999999\r\n\r\n")),
        ("odd coding", format!("{post}transfer-encoding: xchunked\r\n\r\n{inner}")),
        (
            "chunked twice",
            format!(
                "{post}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n{inner}"
            ),
        ),
        ("chunked not last", format!("{post}transfer-encoding: chunked, identity\r\n\r\n{inner}")),
        ("chunked after tab", format!("{post}transfer-encoding: \x0bchunked\r\n\r\n{inner}")),
        (
            "identity, then chunked",
            format!("{post}transfer-encoding: identity, chunked\r\n\r\n{inner}"),
        ),
        ("bare CR in a field", format!("{post}x-a: 1\rcontent-length: 4\r\n\r\nabcd")),
        ("space in a name", format!("{post}content length: 4\r\n\r\nabcd")),
        ("no name", format!("{post}: 4\r\n\r\nabcd")),
        ("space before colon", format!("{post}content-length : 4\r\n\r\nabcd")),
        ("folded field", format!("{post}x-a: 1\r\n content-length: 4\r\n\r\nabcd")),
        ("nul in a field", format!("{post}x-a: \0\r\n\r\n")),
        (
            "chunked in 1.0",
            "POST /v1/messages HTTP/1.0\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
                .into(),
        ),
        ("two hosts", "GET /v1/models HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".into()),
        ("no host", "GET /v1/models HTTP/1.1\r\n\r\n".into()),
        (
            "another host in the target",
            "GET http://other/v1/models HTTP/1.1\r\nhost: h\r\n\r\n".into(),
        ),
        ("user in the target", "GET http://h@other/v1/models HTTP/1.1\r\nhost: h\r\n\r\n".into()),
    ] {
        let reply = raw::send(gateway.addr, request.as_bytes()).await;
        assert_eq!(reply.status, 400, "{name}");
    }
    assert_eq!(upstream.seen().count(), 0, "nothing of it went up");
}

#[tokio::test]
async fn bad_chunks_end_the_connection_and_nothing_follows() {
    let upstream = serve(Fine);
    let gateway = start(config(&upstream.url()));
    let head = "POST /v1/messages HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
    for chunks in ["zz\r\nabc\r\n0\r\n\r\n", "fffffffffffffffff\r\n", "3\r\nabcdef\r\n0\r\n\r\n"] {
        let smuggled = format!("{head}{chunks}GET /v1/smuggled HTTP/1.1\r\nhost: h\r\n\r\n");
        let mut io = raw::connect(gateway.addr).await;
        io.write_all(smuggled.as_bytes()).await.expect("sent");
        let reply = raw::try_read(&mut io).await;
        assert!(reply.is_none_or(|reply| reply.status == 400), "{chunks:?}");
        // To the server, framing that breaks is a client that is gone.
        assert_eq!(gateway.finished().await.0.state, TerminalState::ClientAborted, "{chunks:?}");
    }
    let seen = upstream.seen().entries();
    assert!(!seen.iter().any(|entry| entry.request.target.contains("smuggled")));
}

#[tokio::test]
async fn a_head_has_a_bound() {
    let upstream = serve(Fine);
    let gateway = start(config(&upstream.url()));
    let large =
        format!("GET /v1/models HTTP/1.1\r\nhost: h\r\nx-a: {}\r\n\r\n", "a".repeat(300_000));
    assert_eq!(raw::send(gateway.addr, large.as_bytes()).await.status, 431);
    let many = "x-a: 1\r\n".repeat(2000);
    let many = format!("GET /v1/models HTTP/1.1\r\nhost: h\r\n{many}\r\n");
    assert!([400, 431].contains(&raw::send(gateway.addr, many.as_bytes()).await.status));
    assert_eq!(upstream.seen().count(), 0);
}

#[tokio::test]
async fn fields_that_come_twice_go_up_twice() {
    let upstream = serve(Fine);
    let gateway = start(config(&upstream.url()));
    let fields = "anthropic-beta: a\r\nx-note: 1\r\nanthropic-beta: b,c\r\nX-Note: 2\r\n";
    raw::send(gateway.addr, &raw::post("/v1/messages", fields, b"{}")).await;
    let seen = upstream.seen().entries().remove(0).request;
    let all = |name: &str| -> Vec<String> {
        let named = seen.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
    };
    assert_eq!(all("anthropic-beta"), ["a", "b,c"]);
    assert_eq!(all("x-note"), ["1", "2"]);
}

#[tokio::test]
async fn a_long_path_is_refused_and_a_fair_one_passes() {
    let upstream = serve(Fine);
    let gateway = start(config(&upstream.url()));
    let get = |length: usize| {
        format!("GET /v1/models?x={} HTTP/1.1\r\nhost: h\r\n\r\n", "a".repeat(length))
    };
    assert_eq!(raw::send(gateway.addr, get(8_000).as_bytes()).await.status, 200);
    let refused = raw::send(gateway.addr, get(200_000).as_bytes()).await.status;
    assert!([400, 414, 431].contains(&refused), "{refused}");
    assert_eq!(upstream.seen().count(), 1);
}

#[tokio::test]
async fn many_slow_heads_end_and_others_are_served_meanwhile() {
    let upstream = serve(Fine);
    let mut config = config(&upstream.url());
    config.clients.head_timeout = Duration::from_secs(2);
    let gateway = start(config);
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut io = raw::connect(gateway.addr).await;
        io.write_all(b"POST /v1/messages HTTP/1.1\r\nhost: h\r\nx-a: ").await.expect("sent");
        slow.push(io);
    }
    for _ in 0..20 {
        let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", b"{}")).await;
        assert_eq!(reply.status, 200);
    }
    for mut io in slow {
        // A byte now and then does not help: the time is that of the whole head.
        let _closed_already = io.write_all(b"a").await;
        let reply = raw::try_read(&mut io).await;
        assert!(reply.is_none_or(|reply| reply.status == 408));
    }
    assert_eq!(upstream.seen().count(), 20);
}

#[tokio::test]
async fn a_body_that_nobody_wants_ends_with_its_connection() {
    let upstream = serve(Fine);
    let gateway = start(config(&upstream.url()));
    for (path, status) in [("/api/event_logging/batch", 200), ("/nothing", 404)] {
        let mut io = raw::connect(gateway.addr).await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n");
        io.write_all(head.as_bytes()).await.expect("sent");
        let chunk = [b"10000\r\n".as_slice(), &vec![b'a'; 0x10000], b"\r\n"].concat();
        let (mut reading, mut writing) = io.split();
        let sending = async { while writing.write_all(&chunk).await.is_ok() {} };
        let mut answer = Vec::new();
        let receiving = async {
            let mut buf = [0; 4096];
            while let Ok(read @ 1..) = reading.read(&mut buf).await {
                answer.extend_from_slice(&buf[..read]);
            }
        };
        let both = async { tokio::join!(sending, receiving) };
        timeout(LIMIT, both).await.expect("the gateway closes");
        assert!(answer.starts_with(format!("HTTP/1.1 {status} ").as_bytes()), "{path}");
    }
    let small = raw::post("/api/event_logging/batch", "", b"{\"events\":[]}");
    let mut io = raw::connect(gateway.addr).await;
    for _ in 0..2 {
        io.write_all(&small).await.expect("sent");
        assert_eq!(raw::read(&mut io).await.status, 200, "the connection stays");
    }
}

/// 256 MiB of nothing in a few hundred kilobytes: whoever unpacks it has to stop somewhere.
#[tokio::test]
async fn bombs_pass_as_they_are() {
    let member = encode(Coding::Gzip, &[Bytes::from(vec![0; 1 << 20])]).expect("encoded");
    let bomb = member.concat().repeat(256);
    for kind in ["application/json", "text/event-stream"] {
        let answer = Answer::new(200)
            .header("content-type", kind)
            .header("content-encoding", "gzip")
            .body(bomb.clone());
        let upstream = serve(Always(answer));
        let gateway = start(config(&upstream.url()));
        let fields = "content-encoding: gzip\r\n";
        for _ in 0..2 {
            let request = raw::post("/v1/messages", fields, &bomb);
            let reply = raw::send(gateway.addr, &request).await;
            assert_eq!((reply.status, reply.complete), (200, true), "{kind}");
            assert!(reply.body == bomb, "{kind}");
        }
        assert!(upstream.seen().entries().iter().all(|entry| entry.request.body == bomb));
    }
}

#[tokio::test]
async fn a_slow_head_and_a_slow_body_end() {
    let upstream = serve(Fine);
    let mut config = config(&upstream.url());
    // The server's clock for heads ticks every half second.
    config.clients.head_timeout = Duration::from_secs(2);
    config.clients.stall_timeout = Duration::from_millis(200);
    let gateway = start(config);
    let reply = raw::send(gateway.addr, b"POST /v1/messages HTTP/1.1\r\nhost:").await;
    assert_eq!(reply.status, 408);
    let head = b"POST /v1/messages HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\npart";
    let reply = raw::send(gateway.addr, head).await;
    assert_eq!(reply.status, 408);
    assert_eq!(reply.json()["error"]["type"], "timeout_error");
    assert_eq!(gateway.finished().await.0.state, TerminalState::TimedOut);
}

/// A gateway with a client that asks for 64 MiB and reads none of them.
async fn unread(set: impl FnOnce(&mut GatewayConfig)) -> (Server, Running, TcpStream) {
    let chunk = Step::Send(Bytes::from(vec![b'a'; 1 << 20]));
    let upstream = serve(Always(Answer::new(200).stream(vec![chunk; 64])));
    let mut config = config(&upstream.url());
    set(&mut config);
    let gateway = start(config);
    let mut io = raw::connect(gateway.addr).await;
    io.write_all(&raw::post("/v1/messages", "", b"{}")).await.expect("sent");
    (upstream, gateway, io)
}

async fn is_let_go(upstream: &Server) {
    let is_gone = |entry: &Entry| entry.outcome == Some(Outcome::ClientGone);
    let gone = upstream.seen().until(|seen| seen.first().is_some_and(is_gone));
    timeout(LIMIT, gone).await.expect("the upstream is let go");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped() {
    let patience = Duration::from_secs(1);
    let (upstream, gateway, _io) = unread(|config| config.clients.stall_timeout = patience).await;
    is_let_go(&upstream).await;
    assert_eq!(gateway.finished().await.0.state, TerminalState::ClientAborted);
}

/// While it has something to read, nobody asks the upstream's answer for more.
#[tokio::test]
async fn a_client_that_does_not_read_outlasts_no_time_out() {
    let set = |config: &mut GatewayConfig| {
        config.upstream.timeout = Duration::from_millis(500);
        config.clients.workers = Some(1);
    };
    let (upstream, gateway, mut io) = unread(set).await;
    assert_eq!(gateway.finished().await.0.state, TerminalState::TimedOut);
    is_let_go(&upstream).await;
    let reply = raw::read(&mut io).await;
    assert!(!reply.complete && reply.body.len() < 64 << 20, "{} bytes", reply.body.len());

    // With no answer left, the worker has stopped looking; the next one is looked at again.
    let mut next = raw::connect(gateway.addr).await;
    next.write_all(&raw::post("/v1/messages", "", b"{}")).await.expect("sent");
    assert_eq!(gateway.finished().await.0.state, TerminalState::TimedOut);
}

/// The server drops its connection; it was not the client that left.
#[tokio::test]
async fn a_client_that_does_not_read_is_no_client_that_left_when_the_gateway_stops() {
    let (_upstream, gateway, io) = unread(|_default| {}).await;
    io.readable().await.expect("an answer begins");
    gateway.shutdown.cancel();
    assert_eq!(gateway.finished().await.0.state, TerminalState::TimedOut);
    gateway.stop().await;
}

#[tokio::test]
async fn connections_have_a_bound() {
    let upstream = serve(Always(Answer::new(200).stream(vec![Step::Stall])));
    let mut config = config(&upstream.url());
    (config.clients.workers, config.clients.max_connections) = (Some(1), 1);
    let gateway = start(config);
    let mut first = raw::connect(gateway.addr).await;
    first.write_all(&raw::post("/v1/messages", "", b"{}")).await.expect("sent");
    timeout(LIMIT, upstream.seen().until(|seen| seen.len() == 1)).await.expect("it is taken");
    let mut second = raw::connect(gateway.addr).await;
    second.write_all(b"GET /health/live HTTP/1.1\r\nhost: h\r\n\r\n").await.expect("sent");
    let early = timeout(Duration::from_millis(300), raw::read(&mut second)).await;
    assert!(early.is_err(), "it waits in the kernel");
    drop(first);
    assert_eq!(raw::read(&mut second).await.status, 200);
}

#[tokio::test]
async fn bodies_in_flight_have_a_bound() {
    let held = Answer { head_fault: HeadFault::Stall, ..Answer::new(200) };
    let upstream = serve(Always(held));
    let mut config = config(&upstream.url());
    config.clients.max_in_flight_bytes = 10;
    let gateway = start(config);
    let request = raw::post("/v1/messages", "", b"{\"more than\": 10}");
    let mut first = raw::connect(gateway.addr).await;
    first.write_all(&request).await.expect("sent");
    timeout(LIMIT, upstream.seen().until(|seen| seen.len() == 1)).await.expect("one has room");
    let refused = raw::send(gateway.addr, &request).await;
    assert_eq!((refused.status, refused.field("retry-after")), (529, Some("5")));
    assert_eq!(refused.json()["error"]["type"], "overloaded_error");
    assert_eq!(upstream.seen().count(), 1);
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_bound() {
    let upstream = serve(Fine);
    let mut config = config(&upstream.url());
    config.clients.max_request_size = 1 << 20;
    let gateway = start(config);
    let mut io = raw::connect(gateway.addr).await;
    let head = b"POST /v1/messages HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
    io.write_all(head).await.expect("sent");
    let chunk = [b"10000\r\n".as_slice(), &vec![b'a'; 0x10000], b"\r\n"].concat();
    // Nobody knows how much the kernel takes meanwhile; what counts is that it ends.
    let sending = async { while io.write_all(&chunk).await.is_ok() {} };
    timeout(LIMIT, sending).await.expect("the gateway closes");
    assert_eq!(gateway.finished().await.0.state, TerminalState::Refused);
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_order() {
    let upstream = serve(Fine);
    let gateway = start(config(&upstream.url()));
    let mut io = raw::connect(gateway.addr).await;
    let two =
        [raw::post("/v1/messages", "", b"{\"a\":1}"), raw::post("/v1/messages", "", b"{\"b\":2}")];
    io.write_all(&two.concat()).await.expect("sent");
    for _ in 0..2 {
        // The second answer may come in the same read; what counts is that both requests arrive whole.
        let mut buf = [0; 4096];
        timeout(LIMIT, io.read(&mut buf)).await.expect("in time").expect("an answer");
    }
    let seen = timeout(LIMIT, upstream.seen().until(|seen| seen.len() == 2)).await.expect("both");
    assert_eq!(seen[0].request.body, &b"{\"a\":1}"[..]);
    assert_eq!(seen[1].request.body, &b"{\"b\":2}"[..]);
}

/// The sockets of this process, the gateway's among them.
fn sockets() -> Vec<socket2::Socket> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let this = pidfd_open(getpid(), PidfdFlags::empty()).expect("this process");
    let numbers = std::fs::read_dir("/proc/self/fd")
        .expect("listed")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let numbers: Vec<i32> = numbers.collect();
    numbers
        .into_iter()
        .filter_map(|number| pidfd_getfd(&this, number, PidfdGetfdFlags::empty()).ok())
        .map(socket2::Socket::from)
        .filter(|socket| socket.peer_addr().is_ok())
        .collect()
}

/// Nagle's algorithm holds a small write back until the one before is acknowledged, which a receiver
/// may delay by 40 ms. Whether it is off can be read from the sockets themselves.
#[tokio::test]
async fn no_socket_waits_for_more() {
    let steps = vec![Step::Send(Bytes::from_static(b"data: 1\n\n")), Step::Stall];
    let upstream = serve(Always(Answer::new(200).stream(steps)));
    let gateway = start(config(&upstream.url()));
    let mut io = raw::connect(gateway.addr).await;
    io.write_all(&raw::post("/v1/messages", "", b"{}")).await.expect("sent");
    let mut first = [0; 1];
    timeout(LIMIT, io.read_exact(&mut first)).await.expect("in time").expect("an answer");
    let address = |address: std::io::Result<socket2::SockAddr>| -> Option<SocketAddr> {
        address.ok()?.as_socket()
    };
    let (mut down, mut up) = (0, 0);
    for socket in sockets() {
        let is_down = address(socket.local_addr()) == Some(gateway.addr);
        let is_up = address(socket.peer_addr()) == Some(upstream.addr());
        if is_down || is_up {
            assert!(SockRef::from(&socket).tcp_nodelay().expect("an option"));
        }
        down += usize::from(is_down);
        up += usize::from(is_up);
    }
    assert_eq!((down, up), (1, 1), "both sides were looked at");
}
