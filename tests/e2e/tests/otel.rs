//! Spans at a receiver of OTLP: a conversation is a trace, sub-agents hang below their callers, and
//! what was said is in them only when that was asked for.

use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::clients::ClaudeCode;
use nexus_e2e::otlp::{Receiver, attribute};
use nexus_e2e::{Nexus, NexusBuilder, http_client, wait};
use nexus_scripted::{Anthropic, Server};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use serde_json::{Value, json};

const DRAIN: Duration = Duration::from_mins(1);

struct Traced {
    nexus: Nexus,
    receiver: Arc<Receiver>,
    _servers: [Server; 2],
}

async fn start(bodies: bool) -> Traced {
    let receiver = Arc::new(Receiver::default());
    // A collector that is away for a moment.
    receiver.refuse(1);
    let collector = Server::local(Arc::clone(&receiver)).expect("a port");
    let upstream = Server::local(Anthropic::new(Arc::new(SystemClock), "otel")).expect("a port");
    let nexus = NexusBuilder::new("up", &upstream.url())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .env("NEXUS_OTEL_BODIES", bodies.to_string())
        .start()
        .await
        .expect("nexus starts");
    Traced { nexus, receiver, _servers: [collector, upstream] }
}

impl Traced {
    async fn spans(&self, count: usize) -> Vec<Span> {
        let found = async || {
            let spans = self.receiver.spans();
            (spans.len() >= count).then_some(spans)
        };
        wait::until(&format!("{count} spans"), DRAIN, found).await
    }

    async fn ask(&self, prompt: &str, model: &str) {
        let body = json!({"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": prompt}]});
        let answer = http_client()
            .post(format!("{}/v1/messages", self.nexus.url()))
            .header("x-api-key", "sk-ant-api03-test-client")
            .header("anthropic-version", "2023-06-01")
            .json(&body)
            .send()
            .await
            .expect("an answer");
        answer.bytes().await.expect("a body");
    }
}

fn of<'a>(spans: &'a [Span], exchange: &Value) -> &'a Span {
    let id = exchange.as_str().expect("an id");
    let found =
        spans.iter().find(|span| attribute(span, "nexus.exchange.id").as_deref() == Some(id));
    found.unwrap_or_else(|| panic!("no span of {id}"))
}

#[tokio::test]
async fn a_conversation_is_a_trace_and_a_sub_agent_hangs_below_its_call() {
    let traced = start(false).await;
    let claude = ClaudeCode::new(&traced.nexus.url()).expect("a home");
    let prompt = "Delegate [[agent: Count the files. [[bash: ls]] [[say: 3 files]]]] [[say: The agent says 3.]]";
    claude.prompt(prompt, None).await.expect("an answer");

    let spans = traced.spans(4).await;
    let conversations = traced.nexus.api().conversations("").await.expect("the API");
    let id = conversations[0]["conversationId"].as_str().expect("an id");
    let whole = traced.nexus.api().conversation(id).await.expect("a conversation");
    let nodes = whole["nodes"].as_array().expect("nodes");
    let traces = nodes.iter().map(|node| &of(&spans, &node["requestId"]).trace_id);
    assert_eq!(traces.collect::<std::collections::BTreeSet<_>>().len(), 1, "one trace");
    let node = |kind: &str| nodes.iter().find(|node| node["kind"] == kind).expect("a node");
    let (root, sub) = (node("root"), node("subagent"));
    let (root_span, sub_span) = (of(&spans, &root["requestId"]), of(&spans, &sub["requestId"]));
    assert!(root_span.parent_span_id.iter().all(|byte| *byte == 0), "the first has no parent");
    assert_eq!(sub["parentTaskRequestId"], root["requestId"]);
    assert_eq!(sub_span.parent_span_id, root_span.span_id);
    let inner =
        nodes.iter().find(|one| one["parentRequestId"] == sub["requestId"]).expect("a turn");
    assert_eq!(of(&spans, &inner["requestId"]).parent_span_id, sub_span.span_id);
    let everything = format!("{spans:?}");
    for said in ["Delegate", "Count the files", "3 files"] {
        assert!(!everything.contains(said), "{said:?} was not asked for");
    }
}

#[tokio::test]
async fn spans_follow_the_conventions_and_hold_texts_when_asked() {
    let traced = start(true).await;
    traced.ask("Name a colour [[say: Blue]]", "claude-opus-5-5").await;
    traced.ask("Name a colour", "gpt").await;
    let spans = traced.spans(2).await;
    let good = spans.iter().find(|span| span.name == "chat claude-opus-5-5").expect("a span");
    let value = |key: &str| attribute(good, key).unwrap_or_else(|| panic!("no {key}: {good:?}"));
    assert_eq!(good.kind, SpanKind::Client as i32);
    assert_eq!(value("gen_ai.operation.name"), "chat");
    assert_eq!(value("gen_ai.provider.name"), "anthropic");
    assert_eq!(value("gen_ai.request.model"), "claude-opus-5-5");
    assert_eq!(value("gen_ai.response.finish_reasons"), "end_turn");
    assert_eq!(value("http.response.status_code"), "200");
    assert!(value("gen_ai.usage.input_tokens").parse::<u64>().is_ok_and(|tokens| tokens > 0));
    assert!(good.end_time_unix_nano >= good.start_time_unix_nano);
    let said: Value = serde_json::from_str(&value("gen_ai.output.messages")).expect("JSON");
    assert_eq!(said[0]["parts"][0], json!({"type": "text", "content": "Blue"}));
    assert_eq!(said[0]["finish_reason"], "end_turn");
    let asked: Value = serde_json::from_str(&value("gen_ai.input.messages")).expect("JSON");
    assert!(
        asked[0]["parts"][0]["content"].as_str().is_some_and(|text| text.contains("Name a colour"))
    );

    let bad = spans.iter().find(|span| span.name == "chat gpt").expect("a span");
    assert_eq!(attribute(bad, "error.type").as_deref(), Some("upstream_error"));
    assert_eq!(bad.status.as_ref().map(|status| status.code), Some(StatusCode::Error as i32));
    let ids = spans.iter().map(|span| &span.span_id).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(ids.len(), spans.len(), "each exchange once, though the collector refused at first");
}
