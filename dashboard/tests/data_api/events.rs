//! The stream of live events: which topics it brings, and what came since.

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::http::StatusCode;
use nexus_bus::LiveBus;
use nexus_contract::{LiveEvent, LiveTopic};
use nexus_store::testing::sqlite;
use reqwest::{RequestBuilder, Response};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Fixture, KEY, filled};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
const OFTEN: Duration = Duration::from_millis(50);

impl Fixture {
    fn say(&self, topic: LiveTopic, domain: &str) {
        self.live.publish(LiveEvent::new(topic, None, self.now, domain, &()));
    }
}

/// Serves the dashboard on a port of its own while `ask` runs.
async fn served<T>(fixture: &Fixture, ask: impl AsyncFnOnce(String) -> T) -> T {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.set_nonblocking(true).expect("a listener");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let stop = CancellationToken::new();
    let serving = Arc::clone(&fixture.dashboard).serve(listener, stop.clone());
    let asked = async {
        let answer = timeout(PATIENCE, ask(base)).await.expect("it does not hang");
        stop.cancel();
        answer
    };
    let (served, answer) = tokio::join!(serving, asked);
    served.expect("it serves");
    answer
}

fn stream(base: &str, query: &str) -> RequestBuilder {
    let http = nexus_scripted::http_client();
    http.get(format!("{base}/api/events{query}")).header("x-dashboard-key", KEY)
}

async fn opened(request: RequestBuilder) -> Response {
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    answer
}

/// What the stream brings until it holds `end`; `nudge` runs again and again meanwhile.
async fn read_until(stream: &mut Response, end: &str, nudge: impl Fn()) -> String {
    let mut text = String::new();
    while !text.contains(end) {
        nudge();
        if let Ok(chunk) = timeout(OFTEN, stream.chunk()).await {
            let chunk = chunk.expect("it goes on").expect("it has no end");
            text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_topics_that_were_wished_for_come() {
    let fixture = filled(sqlite().await).await;
    served(&fixture, async |base: String| {
        let mut wished = opened(stream(&base, "?topics=stored,linked")).await;
        let text = read_until(&mut wished, r#""topic":"linked""#, || {
            for topic in [LiveTopic::Finished, LiveTopic::Stored, LiveTopic::Linked] {
                fixture.say(topic, "team.example");
            }
        })
        .await;
        assert!(text.contains(r#""topic":"stored""#), "{text}");
        assert!(!text.contains(r#""topic":"finished""#), "{text}");
        let mut all = opened(stream(&base, "")).await;
        let say = || fixture.say(LiveTopic::Finished, "team.example");
        read_until(&mut all, r#""topic":"finished""#, say).await;
    })
    .await;
    let (status, body) = fixture.get("/api/events?topics=stored,weather").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    assert!(body.contains("`topics`") && body.contains("weather"), "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_since_is_sent_first_by_header_and_by_parameter() {
    let fixture = filled(sqlite().await).await;
    served(&fixture, async |base: String| {
        let mut first = opened(stream(&base, "")).await;
        let say = || fixture.say(LiveTopic::Stored, "early.example");
        let text = read_until(&mut first, "early.example", say).await;
        let id = text.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id").to_owned();
        fixture.say(LiveTopic::Stored, "later.example");
        read_until(&mut first, "later.example", || {}).await;
        let by_parameter = stream(&base, &format!("?after={id}"));
        let by_header = stream(&base, "").header("last-event-id", &id);
        for request in [by_parameter, by_header] {
            let mut again = opened(request).await;
            let text = read_until(&mut again, "later.example", || {}).await;
            assert!(!text.contains(&format!("id: {id}\n")), "{text}");
        }
        let mut lost = opened(stream(&base, "?after=nonsense")).await;
        read_until(&mut lost, "event: reload", || {}).await;
    })
    .await;
}

/// Parameters and answer are those of the description.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_is_as_described() {
    let fixture = filled(sqlite().await).await;
    let description = fixture.json("/api/openapi.json").await;
    let operation = &description["paths"]["/api/events"]["get"];
    let named = operation["parameters"].as_array().expect("parameters").iter().map(|reference| {
        let pointer = reference["$ref"].as_str().expect("a reference").trim_start_matches('#');
        description.pointer(pointer).expect("described")["name"].as_str().expect("a name")
    });
    let mut named: Vec<_> = named.collect();
    named.sort_unstable();
    assert_eq!(named, ["Last-Event-ID", "after", "topics"]);
    let content = operation["responses"]["200"]["content"].as_object().expect("content");
    served(&fixture, async |base: String| {
        let answer = opened(stream(&base, "")).await;
        let kind = answer.headers()["content-type"].to_str().expect("text");
        assert!(content.contains_key(kind), "{kind}");
    })
    .await;
}
