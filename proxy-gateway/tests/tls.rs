//! TLS to the upstream: ALPN, custom roots, HTTP/2, a proxy in between.

mod support;

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use futures::StreamExt;
use nexus_contract::TerminalState;
use nexus_gateway::GatewayConfig;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use sha2::{Digest, Sha256};
use support::{config, raw, start};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
    sync::mpsc,
};

/// Says which version it was asked in, and the hash of what it got.
async fn echo(request: HttpRequest, body: Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("x-version", format!("{:?}", request.version())))
        .insert_header(("x-sha256", hex::encode(Sha256::digest(&body))))
        .body(body)
}

/// Two chunks, and then an end, or a failure.
async fn stream(path: web::Path<String>) -> HttpResponse {
    let chunks = ["data: 1\n\n", "data: 2\n\n"].map(|text| Ok(Bytes::from_static(text.as_bytes())));
    let fails = path.as_str() == "cut";
    // The server drops what it has not flushed when a body fails.
    let end = futures::stream::once(tokio::time::sleep(Duration::from_millis(50)))
        .filter_map(move |()| async move { fails.then(|| Err(std::io::Error::other("cut"))) });
    let chunks = futures::stream::iter(chunks).chain(end);
    HttpResponse::Ok().insert_header(("content-type", "text/event-stream")).streaming(chunks)
}

/// Tells when it is dropped.
struct GivenUp(mpsc::UnboundedSender<()>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        // An error only says that the test is over.
        let _nobody = self.0.send(());
    }
}

/// An event every 20 ms, until nobody takes them any more.
async fn endless(given_up: web::Data<mpsc::UnboundedSender<()>>) -> HttpResponse {
    let given_up = GivenUp(given_up.get_ref().clone());
    let events = futures::stream::unfold(given_up, |given_up| async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b"data: 1\n\n")), given_up))
    });
    HttpResponse::Ok().insert_header(("content-type", "text/event-stream")).streaming(events)
}

struct Upstream {
    addr: SocketAddr,
    dir: TempDir,
    handle: actix_web::dev::ServerHandle,
    /// One for each endless answer that was given up.
    given_up: mpsc::UnboundedReceiver<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // Nobody waits for it.
        drop(self.handle.stop(false));
    }
}

/// An upstream with a certificate of its own for `localhost`.
fn upstream() -> Upstream {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("roots.pem"), cert.pem()).expect("written");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("a server");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("bound");
    let (tell, given_up) = mpsc::unbounded_channel();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::PayloadConfig::new(64 << 20))
            .app_data(web::Data::new(tell.clone()))
            .route("/base/v1/endless", web::to(endless))
            .route("/base/v1/stream/{how}", web::to(stream))
            .default_service(web::to(echo))
    })
    .workers(1)
    .disable_signals()
    .listen_rustls_0_23(listener, tls)
    .expect("listens")
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    Upstream { addr, dir, handle, given_up }
}

fn settings(upstream: &Upstream) -> GatewayConfig {
    let mut config = config(&format!("https://localhost:{}/base", upstream.addr.port()));
    config.upstream.extra_roots = Some(upstream.dir.path().join("roots.pem"));
    config
}

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
