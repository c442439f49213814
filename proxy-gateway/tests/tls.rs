//! TLS to the upstream: ALPN, custom roots, HTTP/2, a proxy in between.

mod support;

use std::{
    net::{SocketAddr, TcpListener},
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

use nexus_contract::TerminalState;
use sha2::{Digest, Sha256};
use support::{
    config, raw, start,
    tls::{settings, upstream},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};

#[tokio::test]
async fn both_versions_carry_bodies_and_ends() {
    for (http2, version) in [(true, "HTTP/2.0"), (false, "HTTP/1.1")] {
        let upstream = upstream();
        let mut config = settings(&upstream);
        config.upstream.http2 = http2;
        let gateway = start(config);
        let body: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        for body in [&b""[..], b"{}", &body] {
            let reply =
                raw::send(gateway.addr, &raw::post("/v1/messages", "x-a: 1\r\n", body)).await;
            assert_eq!((reply.status, reply.field("x-version")), (200, Some(version)));
            assert_eq!(reply.field("x-sha256"), Some(&*hex::encode(Sha256::digest(body))));
            assert_eq!(reply.body, body);
            assert_eq!(gateway.finished().await.0.state, TerminalState::Completed);
        }
        let reply = raw::send(gateway.addr, &raw::post("/v1/stream/whole", "", b"{}")).await;
        assert!(reply.complete);
        assert_eq!(reply.text(), "data: 1\n\ndata: 2\n\n");
        let reply = raw::send(gateway.addr, &raw::post("/v1/stream/cut", "", b"{}")).await;
        assert!(!reply.complete, "{version}: a cut stays a cut");
    }
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_call_in_both_versions() {
    for http2 in [true, false] {
        let mut upstream = upstream();
        let mut config = settings(&upstream);
        config.upstream.http2 = http2;
        let gateway = start(config);
        let mut io = raw::connect(gateway.addr).await;
        io.write_all(&raw::post("/v1/endless", "", b"{}")).await.expect("sent");
        io.read_exact(&mut [0; 16]).await.expect("an answer begins");
        drop(io);
        let given_up = tokio::time::timeout(Duration::from_secs(1), upstream.given_up.recv()).await;
        assert_eq!(given_up.expect("within a second"), Some(()), "HTTP/2: {http2}");
    }
}

#[tokio::test]
async fn concurrent_requests_share_a_connection() {
    let upstream = upstream();
    let gateway = start(settings(&upstream));
    let calls = (0..40).map(|number| {
        let body = vec![b'a'; 1000 * number];
        let addr = gateway.addr;
        async move {
            let reply = raw::send(addr, &raw::post("/v1/messages", "", &body)).await;
            assert_eq!((reply.status, reply.body.len()), (200, body.len()));
        }
    });
    futures::future::join_all(calls).await;
}

/// Cause: what a few clients did not read filled the window of the connection that all share.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_read_hold_up_nobody_else() {
    const UNREAD: usize = 40;
    let upstream = upstream();
    let mut config = settings(&upstream);
    // One connection to the upstream.
    config.clients.workers = Some(1);
    let gateway = start(config);
    let mut unread = Vec::new();
    for _ in 0..UNREAD {
        let mut io = raw::connect(gateway.addr).await;
        io.write_all(&raw::post("/v1/flood", "", b"{}")).await.expect("sent");
        unread.push(io);
    }
    let mut before = None;
    loop {
        let flooded = upstream.flooded.load(Relaxed);
        if before.replace(flooded) == Some(flooded) && flooded > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", b"{}")).await;
    assert_eq!((reply.status, reply.field("x-version")), (200, Some("HTTP/2.0")));
    assert_eq!(reply.body, b"{}");
}

#[tokio::test]
async fn an_unknown_certificate_is_refused() {
    let upstream = upstream();
    let mut config = settings(&upstream);
    config.upstream.extra_roots = None;
    config.upstream.max_retries = 0;
    let gateway = start(config);
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", b"{}")).await;
    assert_eq!(reply.status, 502);
    assert!(!reply.text().contains("localhost"), "no inside is told");
}

/// A proxy that only tunnels. Gives its address, and the heads that it gets.
async fn tunnel_proxy() -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("bound");
    let (heads, seen) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut down, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(down.read_u8().await.expect("a head"));
            }
            let head = String::from_utf8(head).expect("text");
            let target = head.split(' ').nth(1).expect("a target").to_owned();
            heads.send(head).expect("the test listens");
            let mut up = TcpStream::connect(target).await.expect("the upstream");
            down.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.expect("sent");
            tokio::spawn(async move { copy_bidirectional(&mut down, &mut up).await });
        }
    });
    (addr, seen)
}

#[tokio::test]
async fn a_proxy_gets_a_tunnel_and_nothing_else() {
    let upstream = upstream();
    let (proxy, mut heads) = tunnel_proxy().await;
    let mut config = settings(&upstream);
    config.upstream.https_proxy = Some(format!("http://user:pass@{proxy}"));
    let gateway = start(config.clone());
    let reply =
        raw::send(gateway.addr, &raw::post("/v1/messages", "x-api-key: k\r\n", b"{}")).await;
    assert_eq!(reply.status, 200);
    let head = heads.recv().await.expect("a tunnel");
    assert!(head.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", upstream.addr.port())));
    assert!(head.contains("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"));
    assert!(!head.contains("x-api-key"));

    config.upstream.no_proxy = vec!["localhost".to_owned()];
    let direct = start(config);
    let reply = raw::send(direct.addr, &raw::post("/v1/messages", "", b"{}")).await;
    assert_eq!(reply.status, 200);
    assert!(heads.try_recv().is_err(), "an exempt host is called directly");
}

#[tokio::test]
async fn a_connection_has_to_come_about_in_time() {
    // Takes connections, and never shakes hands.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("bound");
    let mut config = config(&format!("https://{address}"));
    config.upstream.connect_timeout = Duration::from_millis(100);
    let gateway = start(config);
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", b"{}")).await;
    assert_eq!((reply.status, &reply.json()["error"]["type"]), (504, &"timeout_error".into()));
    let (finished, _) = gateway.finished().await;
    assert_eq!((finished.state, finished.upstream_calls), (TerminalState::TimedOut, 3));
}
