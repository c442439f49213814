//! The role from events to announcements, on a real store and a real stream.

use std::{cmp::Reverse, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use metrics_exporter_prometheus::PrometheusBuilder;
use nexus_bus::{
    ConsumerSpec, EmbeddedConfig, EmbeddedLog, EventStream, Handler, LiveBus, LocalLiveBus, Verdict,
};
use nexus_contract::{Body, Event, ExchangeId, Kind, LiveTopic, Payload, SystemClock};
use nexus_linker::{LinkerDeps, LinkerHandler, watch_quality};
use nexus_messages::line::parse_line;
use nexus_store::testing::{self, TestStore};

/// The events of a recording.
fn recording(name: &str) -> Vec<Arc<Event>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../linking/captures");
    let text = std::fs::read_to_string(folder.join(name)).expect("the recording is there");
    let pairs = text.lines().map(|line| parse_line(line).expect("an exchange"));
    pairs.flat_map(|(request, response)| [Arc::new(request), Arc::new(response)]).collect()
}

/// A linker whose announcements nobody reads.
async fn handler(store: &TestStore, folder: &Path) -> LinkerHandler {
    let log = EmbeddedLog::open(EmbeddedConfig::new(folder), Arc::new(SystemClock)).await;
    LinkerHandler::new(LinkerDeps {
        store: store.store.clone(),
        stream: Arc::new(log.expect("a log")),
        live: Arc::new(LocalLiveBus::new(64)),
        clock: Arc::new(SystemClock),
        instance: "linker-1".to_owned(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_is_linked_and_announced_once() {
    let store = testing::sqlite().await;
    let folder = tempfile::tempdir().expect("a folder");
    let log = EmbeddedLog::open(EmbeddedConfig::new(folder.path()), Arc::new(SystemClock)).await;
    let stream: Arc<dyn EventStream> = Arc::new(log.expect("a log"));
    let live = Arc::new(LocalLiveBus::new(64));
    let mut shown = live.subscribe();
    let handler = LinkerHandler::new(LinkerDeps {
        store: store.store.clone(),
        stream: stream.clone(),
        live: live.clone(),
        clock: Arc::new(SystemClock),
        instance: "linker-1".to_owned(),
    });

    let events = recording("s06_subagent.jsonl");
    for _again in 0..2 {
        let verdicts = handler.handle(&events).await;
        assert_eq!(verdicts, vec![Verdict::Done; events.len()]);
    }

    let spec = ConsumerSpec {
        name: "storage".to_owned(),
        kinds: vec![Kind::Linked],
        ack_timeout: Duration::from_mins(1),
    };
    let mut consumer = stream.consumer(spec).await.expect("a consumer");
    let pulled = consumer.pull(10, Duration::from_secs(10)).await.expect("pulled");
    let mut linked = Vec::new();
    for delivery in &pulled {
        let event = delivery.event.as_ref().expect("readable");
        let Payload::Linked(one) = &event.envelope.payload else { panic!("only links") };
        linked.extend(one.exchanges.clone());
    }
    linked.sort_unstable();
    let mut expected: Vec<_> =
        (1..=5).map(|n| ExchangeId::from_external(&format!("s06-00{n}"))).collect();
    expected.sort_unstable();
    assert_eq!(linked, expected);
    assert!(store.announcements(1).await.expect("read").is_empty());
    assert_eq!(shown.recv().await.expect("shown").topic, LiveTopic::Linked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_with_a_broken_body_is_refused_and_the_rest_is_linked() {
    let store = testing::sqlite().await;
    let folder = tempfile::tempdir().expect("a folder");
    let handler = handler(&store, folder.path()).await;
    let mut events = recording("s01_hello.jsonl");
    let mut broken = (*events[0]).clone();
    broken.envelope.id = ExchangeId::from_external("broken");
    let garbage = Bytes::from_static(b"no zstd");
    broken.body = Some(Body::from_parts(garbage, 7, [0; 32]));
    events.insert(0, Arc::new(broken));
    let verdicts = handler.handle(&events).await;
    assert!(matches!(verdicts[0], Verdict::Reject(_)), "{verdicts:?}");
    assert_eq!(verdicts[1..], [Verdict::Done, Verdict::Done]);
    let id = ExchangeId::from_external("s01-001");
    assert!(store.find_link(id).await.expect("read").is_some());
}

#[tokio::test]
async fn a_late_parent_raises_the_shown_rate() {
    let store = testing::sqlite().await;
    let folder = tempfile::tempdir().expect("a folder");
    let handler = handler(&store, folder.path()).await;
    // Together they have enough exchanges with a history for a rate.
    let names = ["s03_tools_resume.jsonl", "s05_fork.jsonl", "s18_git_hooks_claudemd.jsonl"];
    let mut events: Vec<_> = names.into_iter().flat_map(recording).collect();
    events.sort_by_key(|event| Reverse((event.envelope.at, event.envelope.id)));
    let mut alone = 0;
    for event in &events {
        let verdicts = handler.handle(std::slice::from_ref(event)).await;
        assert_eq!(verdicts, [Verdict::Done]);
        if event.kind() == Kind::RequestReceived {
            let link = store.find_link(event.envelope.id).await.expect("read").expect("a link");
            alone += usize::from(link.edge.parent.is_none());
        }
    }
    // Two events an exchange.
    assert!(alone * 4 > events.len(), "what they continue comes later: {alone}");
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let all_linked = "nexus_link_rate{client=\"claude-cli/2.1.330\"} 1\n";
    let is_shown = async {
        while !handle.render().contains(all_linked) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = watch_quality(store.store.as_ref()) => unreachable!("it watches until it is dropped"),
        shown = tokio::time::timeout(Duration::from_secs(20), is_shown) => {
            assert!(shown.is_ok(), "{}", handle.render());
        }
    }
}
