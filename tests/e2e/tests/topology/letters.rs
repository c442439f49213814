//! Events that nobody can handle go aside with a reason, and their neighbours flow on.

use std::time::Duration;

use bytes::Bytes;
use nexus_e2e::{Installation, oracle, wait};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);

/// Each is given up by the two consumers that want its kind.
const LETTERS: usize = 4;

pub async fn what_cannot_be_read_goes_aside(scaled: &Installation) {
    let events = scaled.events().await.expect("NATS answers");
    let all = events.all().await.expect("NATS answers");
    let known = all.iter().find(|event| event.subject.ends_with("request.received"));
    let newer = replaced(&known.expect("an event").payload, b"\"version\":1", b"\"version\":9");
    for (id, payload) in [("no-event", Bytes::from("neither head nor body")), ("newer", newer)] {
        events.publish("request.received", id, payload).await.expect("it is taken");
    }
    oracle::assert_fresh(&scaled.api(), &scaled.url(), SOON).await;
    let letters = listed(scaled, LETTERS).await;
    for letter in &letters {
        assert!(["linker", "storage"].contains(&letter["consumer"].as_str().unwrap_or("")));
    }
    let because = |text: &str| {
        let reasons = letters.iter().filter_map(|letter| letter["reason"].as_str());
        reasons.filter(|reason| reason.contains(text)).count()
    };
    assert_eq!((because("version 9"), because("shorter than its head")), (2, 2), "{letters:#?}");
    let id = letters[0]["id"].as_str().expect("an id");
    let shown: Value = scaled.command(&format!("dead-letters show {id} --json")).await;
    assert!(shown["event"].as_str().is_some_and(|text| text.starts_with("unreadable")), "{shown}");

    // Delivered again to a consumer that still can't read it, it comes back under another id.
    let again: Value = scaled.command(&format!("dead-letters requeue {id} --json")).await;
    assert_eq!(again["count"], 1);
    let letters = listed(scaled, LETTERS).await;
    assert!(letters.iter().all(|letter| letter["id"] != id), "{letters:#?}");
    for letter in letters {
        let id = letter["id"].as_str().expect("an id");
        let dropped: Value = scaled.command(&format!("dead-letters drop {id} --json")).await;
        assert_eq!(dropped["count"], 1);
    }
    listed(scaled, 0).await;
}

fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Bytes {
    let at = bytes.windows(old.len()).position(|window| window == old).expect("it is there");
    [&bytes[..at], new, &bytes[at + old.len()..]].concat().into()
}

/// The dead letters, once there are so many.
async fn listed(scaled: &Installation, count: usize) -> Vec<Value> {
    wait::until(&format!("{count} dead letters"), SOON, async || {
        let page: Value = scaled.command("dead-letters list --json").await;
        let items = page["items"].as_array().cloned()?;
        (items.len() == count).then_some(items)
    })
    .await
}
