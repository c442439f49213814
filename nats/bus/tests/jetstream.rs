//! JetStream keeps the contract of the event stream, on a real server.

mod authority;
mod conformance;
mod nats;

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use authority::Authority;
use bytes::Bytes;
use conformance::{Harness, noise, number, request, settle, spec, take};
use nats::{NatsServer, ready};
use nexus_bus::{Connecting, Consumer, EventStream, JetStream, NatsConfig, Settle, StreamError};
use nkeys::KeyPair;

struct Nats {
    server: NatsServer,
    stream: Arc<JetStream>,
}

impl Nats {
    async fn new() -> Self {
        let server = NatsServer::start("");
        let stream = open(server.config()).await;
        ready(&stream).await;
        Self { server, stream }
    }
}

async fn open(config: NatsConfig) -> Arc<JetStream> {
    Arc::new(JetStream::open(config).await.expect("the settings are good"))
}

#[async_trait]
impl Harness for Nats {
    fn stream(&self) -> Arc<dyn EventStream> {
        self.stream.clone()
    }

    /// Both sides, the client's and the server's.
    async fn restart(&mut self) {
        self.server.stop();
        self.server.start_again();
        self.stream = open(self.server.config()).await;
        ready(&self.stream).await;
    }

    async fn publish_raw(&self, message_id: &str, kind: &str, payload: Bytes) {
        self.stream.publish_encoded(message_id, kind, payload).await.expect("publishes");
    }
}

conformance!(Nats::new());

#[tokio::test]
async fn without_a_server_it_opens_and_says_so() {
    let mut server = NatsServer::start("");
    server.kill();
    let stream = open(server.config()).await;
    let error = stream.publish(&[request(1, b"{}")]).await.expect_err("there is none");
    assert!(matches!(error, StreamError::Unavailable(_)), "{error}");
    assert!(!stream.status().await.expect("says").connected);
    server.start_again();
    ready(&stream).await;
    stream.publish(&[request(1, b"{}")]).await.expect("it came up");
}

/// Commands work at once or say why they can't: one that asked before the connection was there failed.
#[tokio::test]
async fn at_once_it_is_connected_or_says_why_not() {
    let mut server = NatsServer::start("");
    let config = NatsConfig { connecting: Connecting::AtOnce, ..server.config() };
    let early = open(server.config()).await;
    ready(&early).await;
    let stream = open(config.clone()).await;
    stream.publish(&[request(1, b"{}")]).await.expect("it did not come back before");
    server.kill();
    let error = JetStream::open(config).await.map(drop).expect_err("there is no server");
    assert!(matches!(error, StreamError::Unavailable(_)), "{error}");
}

#[tokio::test]
async fn an_outage_is_an_error_and_ends_by_itself() {
    let mut harness = Nats::new().await;
    harness.stream.publish(&[request(1, b"{}")]).await.expect("publishes");
    harness.server.kill();
    let error = harness.stream.publish(&[request(2, b"{}")]).await.expect_err("it is gone");
    assert!(error.is_transient(), "{error}");
    harness.server.start_again();
    ready(&harness.stream).await;
    let mut left = 100;
    while let Err(error) = harness.stream.publish(&[request(2, b"{}")]).await {
        left -= 1;
        assert!(error.is_transient() && left > 0, "{error}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(harness.stream.status().await.expect("says").events, 2);
}

/// Settlements may be forgotten then; consumers are idempotent.
#[tokio::test]
async fn a_killed_server_forgets_no_event() {
    let mut harness = Nats::new().await;
    let events: Vec<_> = (1..=200).map(|number| request(number, b"{}")).collect();
    harness.stream.publish(&events).await.expect("publishes");
    harness.server.kill();
    harness.server.start_again();
    let stream = open(harness.server.config()).await;
    ready(&stream).await;
    assert_eq!(stream.status().await.expect("says").events, 200);
}

/// Not a minute later, when their acknowledgements are overdue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_in_hand_when_the_connection_broke_comes_again_after_the_next() {
    let mut harness = Nats::new().await;
    let events: Vec<_> = (1..=6).map(|number| request(number, b"{}")).collect();
    harness.stream.publish(&events).await.expect("publishes");
    let mut leaving = harness.stream.consumer(spec("storage")).await.expect("opens");
    let taken = take(&mut leaving, 6).await;
    settle(&mut leaving, &taken[..2], &Settle::Ack).await;
    // An orderly end: the server remembers who has what.
    harness.server.stop();
    leaving.give_back().await.expect_err("there is no server");
    drop(leaving);
    harness.server.start_again();

    let mut staying = opened(&harness.stream).await;
    let mut again = BTreeSet::new();
    while again.len() < 4 {
        again.extend(take(&mut staying, 1).await.iter().map(number));
    }
    assert_eq!(again, BTreeSet::from([3, 4, 5, 6]));
}

/// It can be told what is wrong, and its neighbour does not wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_lost_a_part_is_delivered_as_such() {
    let harness = Nats::new().await;
    let events = [request(1, &noise(1, 2 << 20)), request(2, b"{}")];
    harness.stream.publish(&events).await.expect("publishes");
    let client = async_nats::connect(harness.server.url()).await.expect("connects");
    let context = async_nats::jetstream::new(client);
    let chunks = context.get_stream("NEXUS_BODY_CHUNKS").await.expect("is there");
    assert!(chunks.purge().await.expect("purges").purged > 0, "the body is in parts");

    let mut consumer = harness.stream.consumer(spec("storage")).await.expect("opens");
    let taken = take(&mut consumer, 2).await;
    let reason = taken[0].event.as_ref().expect_err("a part is missing").to_string();
    assert!(reason.contains("chunk"), "{reason}");
    assert_eq!(number(&taken[1]), 2);
    settle(&mut consumer, &taken[..1], &Settle::Reject(reason.clone())).await;
    let page = harness.stream.list_dead_letters(None, 10).await.expect("lists");
    assert_eq!(page.items.iter().map(|letter| &letter.reason).collect::<Vec<_>>(), [&reason]);
}

/// The consumer, once the server is back.
async fn opened(stream: &JetStream) -> Box<dyn Consumer> {
    let mut left = 100;
    loop {
        match stream.consumer(spec("storage")).await {
            Ok(consumer) => return consumer,
            Err(error) => assert!(error.is_transient() && left > 0, "{error}"),
        }
        left -= 1;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn wrong_credentials_are_no_reason_to_lose_anything() {
    let server = NatsServer::start("authorization { user: nexus, password: \"right\" }");
    let wrong = format!("nats://nexus:wrong@127.0.0.1:{}", server.port);
    let stream = open(NatsConfig { url: wrong, ..server.config() }).await;
    let error = stream.publish(&[request(1, b"{}")]).await.expect_err("not let in");
    assert!(error.is_transient(), "{error}");
    let right = format!("nats://nexus:right@127.0.0.1:{}", server.port);
    let stream = open(NatsConfig { url: right, ..server.config() }).await;
    ready(&stream).await;
    stream.publish(&[request(1, b"{}")]).await.expect("let in");
}

#[tokio::test]
async fn the_names_explain_themselves_and_setup_is_idempotent() {
    let harness = Nats::new().await;
    let again = open(harness.server.config()).await;
    ready(&again).await;
    let client = async_nats::connect(harness.server.url()).await.expect("connects");
    let context = async_nats::jetstream::new(client);
    let mut names: Vec<String> =
        futures::TryStreamExt::try_collect(context.stream_names()).await.expect("lists");
    names.sort();
    let expected =
        ["NEXUS_BODY_CHUNKS", "NEXUS_DEAD_LETTERS", "NEXUS_DEAD_LETTER_CHUNKS", "NEXUS_EVENTS"];
    assert_eq!(names, expected);
}

/// An authority, and a certificate for 127.0.0.1 that it signed; with the certificate's key.
fn certificates(dir: &std::path::Path) -> [String; 3] {
    let path = |name: &str| dir.join(name).display().to_string();
    let (ca, ca_key, cert, key) =
        (path("ca.pem"), path("ca.key"), path("cert.pem"), path("cert.key"));
    let new = ["req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2"];
    let openssl = |args: &[&str]| {
        let made = std::process::Command::new("openssl")
            .args(new)
            .args(args)
            .stderr(std::process::Stdio::null())
            .status();
        assert!(made.expect("openssl is installed").success(), "{args:?}");
    };
    openssl(&["-subj", "/CN=authority", "-keyout", &ca_key, "-out", &ca]);
    openssl(&[
        "-subj",
        "/CN=nats",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-CA",
        &ca,
        "-CAkey",
        &ca_key,
        "-keyout",
        &key,
        "-out",
        &cert,
    ]);
    [ca, cert, key]
}

#[tokio::test]
async fn over_tls_the_servers_certificate_is_checked() {
    let dir = tempfile::tempdir().expect("a folder");
    let [ca, cert, key] = certificates(dir.path());
    let tls = format!("tls {{ cert_file: \"{cert}\", key_file: \"{key}\" }}");
    let server = NatsServer::start(&tls);
    let url = format!("tls://127.0.0.1:{}", server.port);
    let trusting = NatsConfig { url, ca: Some(ca.into()), ..server.config() };
    let stream = open(trusting.clone()).await;
    ready(&stream).await;
    stream.publish(&[request(1, b"{}")]).await.expect("encrypted");

    let stranger = open(NatsConfig { ca: None, ..trusting }).await;
    let error = stranger.publish(&[request(2, b"{}")]).await.expect_err("not trusted");
    assert!(matches!(error, StreamError::Unavailable(_)), "{error}");
}

#[tokio::test]
async fn credentials_that_are_not_there_are_refused_by_name() {
    let config = NatsConfig {
        credentials: Some("/nowhere/nexus.creds".into()),
        ..NatsConfig::new("nats://127.0.0.1:4", "test")
    };
    let error = JetStream::open(config).await.map(drop).expect_err("refused").to_string();
    assert!(error.contains("/nowhere/nexus.creds"), "{error}");
}

#[tokio::test]
async fn only_a_user_of_the_account_gets_in() {
    let (authority, dir) = (Authority::new(), tempfile::tempdir().expect("a folder"));
    let server = NatsServer::start(&authority.configuration());
    let with = |credentials| NatsConfig { credentials, ..server.config() };

    let ours = Authority::credentials(dir.path(), "nexus", &authority.account);
    let stream = open(with(Some(ours))).await;
    ready(&stream).await;
    stream.publish(&[request(1, b"{}")]).await.expect("let in");
    assert_eq!(stream.status().await.expect("says").events, 1);

    let stranger = Authority::credentials(dir.path(), "stranger", &KeyPair::new_account());
    for credentials in [None, Some(stranger)] {
        let stream = open(with(credentials)).await;
        let error = stream.publish(&[request(2, b"{}")]).await.expect_err("not let in");
        assert!(matches!(error, StreamError::Unavailable(_)), "{error}");
    }
}
