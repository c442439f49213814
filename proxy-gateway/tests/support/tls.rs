//! An upstream that speaks TLS, and by ALPN HTTP/2.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use futures::StreamExt;
use nexus_gateway::GatewayConfig;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::config;

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

/// Bytes as fast as they are taken, without an end.
async fn flood(flooded: web::Data<AtomicU64>) -> HttpResponse {
    const PIECE: &[u8] = &[b'x'; 8 << 10];
    let pieces = futures::stream::repeat_with(move || {
        flooded.fetch_add(PIECE.len() as u64, Relaxed);
        Ok::<_, std::io::Error>(Bytes::from_static(PIECE))
    });
    HttpResponse::Ok().streaming(pieces)
}

pub struct Upstream {
    pub addr: SocketAddr,
    dir: TempDir,
    handle: actix_web::dev::ServerHandle,
    /// One for each endless answer that was given up.
    pub given_up: mpsc::UnboundedReceiver<()>,
    /// Bytes of floods that were taken.
    pub flooded: Arc<AtomicU64>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // Nobody waits for it.
        drop(self.handle.stop(false));
    }
}

/// An upstream with a certificate of its own for `localhost`.
pub fn upstream() -> Upstream {
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
    let flooded = Arc::new(AtomicU64::new(0));
    let counted = flooded.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::PayloadConfig::new(64 << 20))
            .app_data(web::Data::new(tell.clone()))
            .app_data(web::Data::from(counted.clone()))
            .route("/base/v1/flood", web::to(flood))
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
    Upstream { addr, dir, handle, given_up, flooded }
}

/// Settings of a gateway before it.
pub fn settings(upstream: &Upstream) -> GatewayConfig {
    let mut config = config(&format!("https://localhost:{}/base", upstream.addr.port()));
    config.upstream.extra_roots = Some(upstream.dir.path().join("roots.pem"));
    config
}
