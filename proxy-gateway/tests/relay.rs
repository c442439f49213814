//! Bytes in, the same bytes out, and one terminal state, whatever the upstream does.

mod support;

use std::time::Duration;

use bytes::Bytes;
use nexus_contract::{Payload, TerminalState};
use nexus_gateway::GatewayConfig;
use nexus_scripted::{
    Answer, Outcome, Request, Server, Service,
    http::{HeadFault, Step},
};
use support::{LIMIT, config, raw, start};
use tokio::io::AsyncWriteExt;

/// Answers every request alike.
struct Always(Answer);

impl Service for Always {
    fn answer(&self, _request: &Request) -> Answer {
        self.0.clone()
    }
}

fn upstream(answer: Answer) -> Server {
    Server::local(Always(answer)).expect("a free port")
}

fn stream(steps: Vec<Step>) -> Answer {
    Answer::new(200).header("content-type", "text/event-stream").stream(steps)
}

fn send(text: &'static str) -> Step {
    Step::Send(Bytes::from_static(text.as_bytes()))
}

/// How soon a call is cancelled of which the client has left.
const AT_ONCE: Duration = Duration::from_secs(1);

const BODY: &[u8] = br#"{"model":"claude-x","stream":true,"messages":[]}"#;

#[tokio::test]
async fn bodies_and_headers_pass_in_both_directions() {
    let answer = Answer::new(200)
        .header("request-id", "req_1")
        .header("anthropic-ratelimit-tokens-remaining", "7")
        .header("connection", "x-private")
        .header("x-private", "1")
        .body("{\"odd\" : 1.0e0 }");
    let upstream = upstream(answer);
    let gateway = start(config(&upstream.url()));
    let fields = "x-api-key: sk-ant-own\r\nanthropic-version: 2023-06-01\r\nx-new: 1\r\n";
    let body = b"{\"not\": valid \xff\x00";
    let reply =
        raw::send(gateway.addr, &raw::post("/v1/messages?beta=true&x=%2F", fields, body)).await;

    assert_eq!((reply.status, reply.text().as_str()), (200, "{\"odd\" : 1.0e0 }"));
    assert_eq!(reply.field("request-id"), Some("req_1"));
    assert_eq!(reply.field("anthropic-ratelimit-tokens-remaining"), Some("7"));
    assert_eq!(reply.field("x-private"), None);
    let seen = &upstream.seen().entries()[0].request;
    assert_eq!(seen.body, &body[..]);
    assert_eq!(seen.target, "/v1/messages?beta=true&x=%2F");
    assert_eq!(seen.header("x-api-key"), Some("sk-ant-own"));
    assert_eq!(seen.header("x-new"), Some("1"));
    assert_eq!(seen.header("host"), Some(upstream.addr().to_string().as_str()));

    let request = gateway.event().await;
    assert_eq!(reply.field("x-nexus-request-id"), Some(request.envelope.id.to_string().as_str()));
    assert_eq!(request.envelope.domain, "test.local");
    let Payload::RequestReceived(received) = request.envelope.payload else { panic!("a request") };
    assert!(received.complete);
    assert_eq!(received.headers.get("x-api-key"), Some("[masked]"));
    assert_eq!(request.body.expect("a body").raw().expect("whole"), &body[..]);
    let (finished, recorded) = gateway.finished().await;
    assert_eq!((finished.state, finished.status), (TerminalState::Completed, Some(200)));
    assert_eq!(recorded, b"{\"odd\" : 1.0e0 }");
    assert_eq!(finished.upstream_calls, 1);
}

#[tokio::test]
async fn a_stream_passes_as_it_comes_and_its_end_is_told_from_a_cut() {
    let text = "event: ping\r\ndata: {}\r\n\r\n: comment\n\ndata: \u{e9}\n\n";
    let (first, rest) = text.as_bytes().split_at(text.len() - 3);
    let whole =
        vec![Step::Send(Bytes::copy_from_slice(first)), Step::Send(Bytes::copy_from_slice(rest))];
    let complete = upstream(stream(whole.clone()));
    let gateway = start(config(&complete.url()));
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", BODY)).await;
    assert!(reply.complete);
    assert_eq!(reply.text(), text);
    assert_eq!(gateway.finished().await.0.state, TerminalState::Completed);

    for cut in [Step::Cut, Step::Reset] {
        let upstream = upstream(stream([whole.clone(), vec![cut]].concat()));
        let gateway = start(config(&upstream.url()));
        let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", BODY)).await;
        assert!(!reply.complete, "no end may be made up");
        assert_eq!(reply.text(), text);
        let (finished, recorded) = gateway.finished().await;
        assert_eq!(finished.state, TerminalState::UpstreamCut);
        assert_eq!(recorded, text.as_bytes());
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_a_stream_without_chunks() {
    let upstream = upstream(stream(vec![send("data: 1\n\n"), send("data: 2\n\n")]));
    let gateway = start(config(&upstream.url()));
    let request = String::from_utf8(raw::post("/v1/messages", "", BODY)).expect("text");
    let request = request.replace(" HTTP/1.1\r\n", " HTTP/1.0\r\n");
    let reply = raw::send(gateway.addr, request.as_bytes()).await;
    assert_eq!(reply.field("transfer-encoding"), None);
    assert_eq!(reply.text(), "data: 1\n\ndata: 2\n\n");
    assert_eq!(gateway.finished().await.0.state, TerminalState::Completed);
}

#[tokio::test]
async fn a_cut_of_a_sized_answer_is_a_cut() {
    let sized = Answer::new(200);
    let sized = Answer {
        body: nexus_scripted::http::Body::Sized(vec![send("abc"), Step::Cut, send("def")]),
        ..sized
    };
    let upstream = upstream(sized);
    let gateway = start(config(&upstream.url()));
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", BODY)).await;
    assert_eq!((reply.complete, reply.text().as_str()), (false, "abc"));
    assert!(reply.field("content-length").is_some(), "the length passes although it is not kept");
    assert_eq!(gateway.finished().await.0.state, TerminalState::UpstreamCut);
}

#[tokio::test]
async fn errors_of_the_upstream_pass_and_are_named() {
    let body =
        "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"odd  words\"}}";
    let answer = Answer::new(429)
        .header("retry-after", "17")
        .header("x-should-retry", "true")
        .header("content-type", "application/json")
        .body(body);
    let upstream = upstream(answer);
    let gateway = start(config(&upstream.url()));
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", BODY)).await;
    assert_eq!((reply.status, reply.text().as_str()), (429, body));
    assert_eq!(reply.field("retry-after"), Some("17"));
    assert_eq!(reply.field("x-should-retry"), Some("true"));
    let (finished, _) = gateway.finished().await;
    assert_eq!((finished.state, finished.upstream_calls), (TerminalState::UpstreamError, 1));
}

#[tokio::test]
async fn an_error_inside_a_stream_is_an_error() {
    let upstream = upstream(stream(vec![send("event: error\ndata: {\"type\":\"error\"}\n\n")]));
    let gateway = start(config(&upstream.url()));
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", BODY)).await;
    assert!(reply.complete);
    assert_eq!(gateway.finished().await.0.state, TerminalState::UpstreamError);
}

#[tokio::test]
async fn faults_before_the_answer_are_the_gateways_own_errors() {
    for fault in [HeadFault::Cut, HeadFault::Reset] {
        let upstream = upstream(Answer { head_fault: fault, ..Answer::new(200) });
        let gateway = start(config(&upstream.url()));
        let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", BODY)).await;
        assert_eq!(reply.status, 502, "{fault:?}");
        assert_eq!(reply.json()["error"]["type"], "api_error");
        let id = reply.field("x-nexus-request-id").expect("an id").to_owned();
        assert_eq!(reply.json()["request_id"], id.as_str());
        let (finished, _) = gateway.finished().await;
        assert_eq!(finished.state, TerminalState::UpstreamCut);
        let calls = if fault == HeadFault::Reset { 3 } else { 1 };
        assert_eq!(upstream.seen().count(), calls, "only silence is tried again");
    }
}

#[tokio::test]
async fn a_stalled_stream_ends_with_an_error_event() {
    let upstream = upstream(stream(vec![send("event: a\ndata: {}\n\n"), Step::Stall]));
    let mut config = config(&upstream.url());
    config.upstream.idle_timeout = Duration::from_millis(100);
    let gateway = start(config);
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", BODY)).await;
    assert!(!reply.complete);
    let event = reply.text().strip_prefix("event: a\ndata: {}\n\n").expect("the start").to_owned();
    assert!(event.starts_with("event: error\ndata: {\"type\":\"error\""), "{event}");
    assert!(event.contains("timeout_error") && event.ends_with("\n\n"));
    assert_eq!(gateway.finished().await.0.state, TerminalState::TimedOut);
}

#[tokio::test]
async fn a_silent_upstream_is_a_504() {
    const SOON: Duration = Duration::from_millis(100);
    let set: [fn(&mut GatewayConfig); 2] =
        [|config| config.upstream.timeout = SOON, |config| config.upstream.idle_timeout = SOON];
    for set in set {
        let upstream = upstream(Answer { head_fault: HeadFault::Stall, ..Answer::new(200) });
        let mut config = config(&upstream.url());
        set(&mut config);
        let gateway = start(config);
        let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", BODY)).await;
        assert_eq!(reply.status, 504);
        assert_eq!(reply.json()["error"]["type"], "timeout_error");
        let (finished, _) = gateway.finished().await;
        assert_eq!((finished.state, finished.upstream_calls), (TerminalState::TimedOut, 1));
    }
}

#[tokio::test]
async fn a_client_that_sends_slowly_makes_no_silence_of_the_upstream() {
    const IDLE: Duration = Duration::from_millis(500);
    let upstream = upstream(Answer::new(200).body("{}"));
    let mut config = config(&upstream.url());
    config.upstream.idle_timeout = IDLE;
    let gateway = start(config);
    let mut io = raw::connect(gateway.addr).await;
    let wire = raw::post("/v1/messages", "", BODY);
    let (first, last) = wire.split_at(wire.len() - 1);
    io.write_all(first).await.expect("sent");
    tokio::time::sleep(2 * IDLE).await;
    io.write_all(last).await.expect("sent");
    assert_eq!(raw::read(&mut io).await.status, 200);
    assert_eq!(gateway.finished().await.0.state, TerminalState::Completed);
}

#[tokio::test]
async fn a_clients_request_has_a_longest_life() {
    let upstream = upstream(stream(vec![send("event: a\ndata: {}\n\n"), Step::Stall]));
    let mut config = config(&upstream.url());
    config.clients.timeout = Duration::from_millis(200);
    let gateway = start(config);
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", BODY)).await;
    assert!(!reply.complete && reply.text().contains("timeout_error"), "{}", reply.text());
    assert_eq!(gateway.finished().await.0.state, TerminalState::TimedOut);
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_call() {
    let upstream = upstream(stream(vec![send("data: 1\n\n"), Step::Stall]));
    let gateway = start(config(&upstream.url()));
    let mut io = raw::connect(gateway.addr).await;
    io.write_all(&raw::post("/v1/messages", "", BODY)).await.expect("sent");
    let mut first = [0; 16];
    tokio::io::AsyncReadExt::read_exact(&mut io, &mut first).await.expect("an answer begins");
    drop(io);
    let gone = upstream.seen().until(|seen| seen[0].outcome == Some(Outcome::ClientGone));
    tokio::time::timeout(AT_ONCE, gone).await.expect("the upstream's client is gone");
    let (finished, recorded) = gateway.finished().await;
    assert_eq!(finished.state, TerminalState::ClientAborted);
    assert_eq!(recorded, b"data: 1\n\n");
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_cancels_too() {
    let upstream = upstream(Answer { head_fault: HeadFault::Stall, ..Answer::new(200) });
    let gateway = start(config(&upstream.url()));
    let mut io = raw::connect(gateway.addr).await;
    io.write_all(&raw::post("/v1/messages", "", BODY)).await.expect("sent");
    upstream.seen().until(|seen| seen.len() == 1).await;
    drop(io);
    let gone = upstream.seen().until(|seen| seen[0].outcome == Some(Outcome::ClientGone));
    tokio::time::timeout(AT_ONCE, gone).await.expect("the upstream's client is gone");
    assert_eq!(gateway.finished().await.0.state, TerminalState::ClientAborted);
}

#[tokio::test]
async fn a_call_can_be_finished_for_the_record() {
    let wait = Step::Wait(Duration::from_millis(200));
    let upstream = upstream(stream(vec![send("data: 1\n\n"), wait, send("data: 2\n\n")]));
    let mut config = config(&upstream.url());
    config.clients.on_abort = nexus_gateway::OnClientAbort::Finish;
    let gateway = start(config);
    let mut io = raw::connect(gateway.addr).await;
    io.write_all(&raw::post("/v1/messages", "", BODY)).await.expect("sent");
    upstream.seen().until(|seen| seen.len() == 1).await;
    drop(io);
    let (finished, recorded) = gateway.finished().await;
    assert_eq!(finished.state, TerminalState::ClientAborted);
    assert_eq!(recorded, b"data: 1\n\ndata: 2\n\n");
}

#[tokio::test]
async fn a_body_left_unfinished_is_recorded_as_such() {
    let upstream = upstream(Answer::new(200).body("{}"));
    let gateway = start(config(&upstream.url()));
    let mut io = raw::connect(gateway.addr).await;
    let head = b"POST /v1/messages HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\npart";
    io.write_all(head).await.expect("sent");
    drop(io);
    let event = gateway.event().await;
    let Payload::RequestReceived(received) = event.envelope.payload else { panic!("a request") };
    assert!(!received.complete);
    assert_eq!(gateway.finished().await.0.state, TerminalState::ClientAborted);
}

#[tokio::test]
async fn thirty_two_mebibytes_pass_and_one_byte_more_does_not() {
    let upstream = upstream(Answer::new(200).body("{}"));
    let gateway = start(config(&upstream.url()));
    let mut body = vec![b' '; 32 << 20];
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", &body)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(upstream.seen().entries()[0].request.body.len(), 32 << 20);
    body.push(b' ');
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", &body)).await;
    assert_eq!(reply.status, 413);
    assert_eq!(reply.json()["error"]["type"], "request_too_large");
    assert_eq!(gateway.finished().await.0.state, TerminalState::Completed);
    assert_eq!(gateway.finished().await.0.state, TerminalState::Refused);
    assert_eq!(upstream.seen().count(), 1);
}

#[tokio::test]
async fn a_chunked_body_is_bounded_as_well() {
    let upstream = upstream(Answer::new(200).body("{}"));
    let mut config = config(&upstream.url());
    config.clients.max_request_size = 100;
    let gateway = start(config);
    let head = "POST /v1/messages HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
    let fits = format!("{head}64\r\n{}\r\n0\r\n\r\n", "x".repeat(100));
    assert_eq!(raw::send(gateway.addr, fits.as_bytes()).await.status, 200);
    let seen = upstream.seen().entries()[0].request.clone();
    assert_eq!((seen.body.len(), seen.header("transfer-encoding")), (100, Some("chunked")));
    let large = format!("{head}65\r\n{}\r\n0\r\n\r\n", "x".repeat(101));
    assert_eq!(raw::send(gateway.addr, large.as_bytes()).await.status, 413);
}

#[tokio::test]
async fn every_path_and_method_below_v1_passes() {
    let upstream = upstream(Answer::new(200).body("{}"));
    let gateway = start(config(&upstream.url()));
    for line in [
        "GET /v1/models?limit=1",
        "DELETE /v1/files/f",
        "OPTIONS /v1/x",
        "PATCH /v1/next/year",
        "GET /api/hello",
        "POST /v1/messages/count_tokens",
    ] {
        let request = format!("{line} HTTP/1.1\r\nhost: h\r\n\r\n");
        let reply = raw::send(gateway.addr, request.as_bytes()).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "{}"), "{line}");
        let seen = upstream.seen().entries().pop().expect("arrived").request;
        assert_eq!(format!("{} {}", seen.method, seen.target), line);
    }
    let head = raw::send(
        gateway.addr,
        b"HEAD /api/hello HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n",
    );
    let head = head.await;
    assert_eq!((head.status, head.field("content-length")), (200, Some("2")));
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn only_the_apis_paths_go_up() {
    let upstream = upstream(Answer::new(200).body("{}"));
    let gateway = start(config(&upstream.url()));
    for (path, status) in [
        ("/v1/../admin", 400),
        ("/v1/%2e%2e/admin", 400),
        ("/v1/.%2E/admin", 400),
        ("/v1/a\\..\\admin", 400),
        ("/v1/./messages", 400),
        ("/v1", 404),
        ("/v1x/messages", 404),
        ("/v2/messages", 404),
        ("/nothing", 404),
        ("/api/event_logging/batch", 200),
    ] {
        let reply = raw::send(gateway.addr, &raw::post(path, "", b"{}")).await;
        assert_eq!(reply.status, status, "{path}");
    }
    assert_eq!(upstream.seen().count(), 0);
    for path in ["/v1/", "/v1/files/...", "/v1/files/.hidden%2e", "/v1/messages/batches?a=.."] {
        let reply = raw::send(gateway.addr, &raw::post(path, "", b"{}")).await;
        assert_eq!(reply.status, 200, "{path}");
    }
    assert_eq!(upstream.seen().count(), 4);
}

#[tokio::test]
async fn an_unreachable_upstream_is_a_502() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr();
    let gateway = start(config(&format!("http://{}", closed.expect("bound"))));
    let reply = raw::send(gateway.addr, &raw::post("/v1/messages", "", BODY)).await;
    assert_eq!(reply.status, 502);
    let (finished, _) = gateway.finished().await;
    assert_eq!((finished.state, finished.upstream_calls), (TerminalState::UpstreamCut, 3));
}

#[tokio::test]
async fn a_stop_lets_a_stream_finish() {
    let wait = Step::Wait(Duration::from_millis(300));
    let upstream = upstream(stream(vec![send("data: 1\n\n"), wait, send("data: 2\n\n")]));
    let gateway = start(config(&upstream.url()));
    let addr = gateway.addr;
    let answer =
        tokio::spawn(async move { raw::send(addr, &raw::post("/v1/messages", "", BODY)).await });
    upstream.seen().until(|seen| seen.len() == 1).await;
    gateway.stop().await;
    let reply = answer.await.expect("no panic");
    assert!(reply.complete);
    assert_eq!(reply.text(), "data: 1\n\ndata: 2\n\n");
}

/// Its client has not left: it is told, and the record says that time was over.
#[tokio::test]
async fn what_outlasts_the_drain_ends_with_an_error_of_the_gateway() {
    let begun = "event: a\ndata: {}\n\n";
    for (answer, status) in [
        (stream(vec![send(begun), Step::Stall]), 200),
        (Answer { head_fault: HeadFault::Stall, ..Answer::new(200) }, 504),
    ] {
        let upstream = upstream(answer);
        let mut config = config(&upstream.url());
        config.clients.drain_timeout = Duration::from_secs(3);
        let gateway = start(config);
        let (addr, request) = (gateway.addr, raw::post("/v1/messages", "", BODY));
        let reply = tokio::spawn(async move { raw::send(addr, &request).await });
        upstream.seen().until(|seen| seen.len() == 1).await;
        let signal = tokio::time::Instant::now();
        gateway.shutdown.cancel();
        let reply = reply.await.expect("no panic");
        let took = signal.elapsed();
        assert!((3..5).contains(&took.as_secs()), "counted from the signal: {took:?}");
        let text = reply.text();
        assert_eq!((reply.status, reply.complete), (status, status == 504), "{text}");
        assert_eq!(text.starts_with(begun), status == 200, "{text}");
        assert!(text.contains("timeout_error") && text.contains("stopping"), "{text}");
        assert_eq!(gateway.finished().await.0.state, TerminalState::TimedOut);
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_stopping_gateway_refuses_connections_and_serves_those_that_are_there() {
    let upstream = upstream(Answer::new(200).body("{}"));
    let gateway = start(config(&upstream.url()));
    let mut io = raw::connect(gateway.addr).await;
    let request = raw::post("/v1/messages", "", BODY);
    io.write_all(&request).await.expect("sent");
    let first = raw::read(&mut io).await;
    assert_eq!((first.status, first.field("connection")), (200, None));
    gateway.shutdown.cancel();
    // The port closes before the connection does: whoever is refused goes elsewhere in time.
    let refused = async {
        while tokio::net::TcpStream::connect(gateway.addr).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, refused).await.expect("the port closes");
    io.write_all(&request).await.expect("sent");
    let last = raw::read(&mut io).await;
    assert_eq!((last.status, last.field("connection")), (200, Some("close")));
    gateway.stop().await;
    assert_eq!(upstream.seen().count(), 2);
}

#[tokio::test]
async fn balancers_may_ask_with_head_and_every_answer_has_an_id() {
    let upstream = upstream(Answer::new(200).body("{}"));
    let gateway = start(config(&upstream.url()));
    for (line, status) in [
        ("HEAD /", 200),
        ("HEAD /health", 200),
        ("HEAD /health/ready", 200),
        ("GET /nothing", 404),
        ("POST /health", 404),
        ("GET /client-setup/nothing", 404),
    ] {
        let request = format!("{line} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
        let reply = raw::send(gateway.addr, request.as_bytes()).await;
        assert_eq!(reply.status, status, "{line}");
        if status == 404 {
            let id = reply.field("x-nexus-request-id").expect("an id").to_owned();
            assert_eq!(id.len(), 36, "{line}");
            assert_eq!(reply.json()["request_id"], id.as_str());
        }
    }
    assert_eq!(upstream.seen().count(), 0);
}

#[tokio::test]
async fn a_key_in_the_query_goes_up_and_is_not_recorded() {
    let upstream = upstream(Answer::new(200).body("{}"));
    let gateway = start(config(&upstream.url()));
    let path = "/v1/messages?x=sk-ant-api03-AAAABBBBCCCCDDDDEEEE";
    raw::send(gateway.addr, &raw::post(path, "", BODY)).await;
    assert_eq!(upstream.seen().entries()[0].request.target, path);
    let Payload::RequestReceived(received) = gateway.event().await.envelope.payload else {
        panic!("a request")
    };
    assert!(!received.path.contains("sk-ant"), "{}", received.path);
}
