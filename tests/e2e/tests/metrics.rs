//! What `/metrics` says of exchanges, after one of each end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nexus_contract::SystemClock;
use nexus_e2e::{Nexus, NexusBuilder, http_client, load, wait};
use nexus_scripted::{Anthropic, Server};
use reqwest::Response;
use serde_json::json;

const SOON: Duration = Duration::from_secs(20);
const MAX_REQUEST: usize = 64 << 10;

async fn ask(nexus: &Nexus, prompt: &str) -> Response {
    let body = json!({
        "model": "claude-opus-5-5", "max_tokens": 500, "stream": true,
        "messages": [{"role": "user", "content": prompt}],
    });
    let request = http_client().post(format!("{}/v1/messages", nexus.url()));
    load::with_headers(request).body(body.to_string()).send().await.expect("a head")
}

/// Every sample whose name begins so, by what follows in its name and labels.
async fn samples(nexus: &Nexus, name: &str) -> BTreeMap<String, f64> {
    let text = http_client().get(format!("{}/metrics", nexus.url())).send().await;
    let text = text.expect("metrics").text().await.expect("text");
    let of_name = text.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
    of_name.map(|(rest, value)| (rest.to_owned(), value.parse().expect("a number"))).collect()
}

/// An alert on a count that rises sees nothing of one that begins with the first loss.
async fn losses_are_counted_from_zero(nexus: &Nexus) {
    for name in ["lost", "tombstones", "damaged_frames"] {
        let counted = samples(nexus, &format!("nexus_journal_{name}_total")).await;
        assert_eq!(counted, BTreeMap::from([(String::new(), 0.0)]), "{name}");
    }
}

/// How many exchanges ended in each state in which any did, once `count` have ended.
async fn ends(nexus: &Nexus, count: f64) -> BTreeMap<String, f64> {
    wait::until("the ends", SOON, async || {
        let mut ends = samples(nexus, "nexus_gateway_exchanges_total").await;
        ends.retain(|_, ended| *ended > 0.0);
        (ends.values().sum::<f64>() >= count).then_some(ends)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_is_counted_as_what_it_was_with_the_gateways_share_of_the_time() {
    let upstream = Server::local(Anthropic::new(Arc::new(SystemClock), "metrics")).expect("a port");
    let nexus = NexusBuilder::new("up", &upstream.url())
        .env("CLAUDE_API_IDLE_TIMEOUT", "1000")
        .env("MAX_REQUEST_SIZE", MAX_REQUEST.to_string())
        .start()
        .await
        .expect("nexus starts");
    losses_are_counted_from_zero(&nexus).await;
    let too_large = "x".repeat(MAX_REQUEST);
    for (prompt, status) in [
        ("[[say: Hello.]]", 200),
        ("[[wait ms=400]] [[say: Late.]]", 200),
        ("[[fail status=529]] [[say: Never.]]", 529),
        ("[[error at=2]] [[say: Never to its end.]]", 200),
        ("[[cut at=2]] [[say: Never to its end.]]", 200),
        ("[[stall at=2]] [[say: Never to its end.]]", 200),
        (too_large.as_str(), 413),
    ] {
        let answer = ask(&nexus, prompt).await;
        assert_eq!(answer.status(), status, "{prompt:.40}");
        if let Err(error) = answer.bytes().await {
            assert!(prompt.contains("at=2"), "{prompt:.40}: {error}");
        }
    }
    let mut left = ask(&nexus, "[[slow ms=200]] [[words n=400]]").await;
    left.chunk().await.expect("a chunk").expect("not yet the end");
    drop(left);

    let expected = [
        ("client_aborted", 1.0),
        ("completed", 2.0),
        ("refused", 1.0),
        ("timed_out", 1.0),
        ("upstream_cut", 1.0),
        ("upstream_error", 2.0),
    ];
    let expected = expected.map(|(state, count)| (format!("{{state=\"{state}\"}}"), count));
    assert_eq!(ends(&nexus, 8.0).await, BTreeMap::from(expected));
    overhead_is_a_histogram_of(&nexus, 8.0).await;
}

/// Buckets that add up, each at its bound, of times that leave out the upstream's.
async fn overhead_is_a_histogram_of(nexus: &Nexus, count: f64) {
    let overhead = samples(nexus, "nexus_gateway_overhead_seconds").await;
    let bound = |name: &str| {
        let text = name.strip_prefix("_bucket{le=\"")?.strip_suffix("\"}")?;
        text.parse::<f64>().ok()
    };
    let mut buckets: Vec<(f64, f64)> =
        overhead.iter().filter_map(|(name, value)| Some((bound(name)?, *value))).collect();
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert_eq!(buckets.len(), 11, "ten bounds and infinity: {overhead:?}");
    assert!(buckets.is_sorted_by(|one, next| one.1 <= next.1), "{buckets:?}");
    assert_eq!(buckets[10], (f64::INFINITY, count));
    assert_eq!(overhead.get("_count"), Some(&count));
    // One answer was late and one stalled: the upstream's time, which only the whole has.
    let whole = samples(nexus, "nexus_gateway_duration_seconds").await;
    assert_eq!(whole.get("_count"), Some(&count));
    let upstreams = whole["_sum"] - overhead["_sum"];
    assert!(overhead["_sum"] > 0.0 && upstreams > 0.8, "{overhead:?} of {whole:?}");
}
