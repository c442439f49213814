//! A conversation goes to a database of the other engine, is erased here, and comes back.

use std::time::Duration;

use nexus_e2e::installation::Message;
use nexus_e2e::{Api, Installation, NexusBuilder, oracle, wait};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);

pub async fn a_conversation_goes_to_sqlite_is_erased_and_comes_back(scaled: &Installation) {
    let api = scaled.api();
    let id = oracle::assert_fresh(&api, &scaled.url(), SOON).await;
    let linked = async || api.get(&format!("conversations/{id}")).await.ok().map(drop);
    wait::until("its conversation", SOON, linked).await;
    let prune = format!("prune --conversation {id} --json");
    let exchanges = scaled.command(&format!("{prune} --dry-run")).await["exchanges"].take();
    let sent = bodies(&api, &id).await;
    let events = about(scaled, &id).await;

    let dir = tempfile::tempdir().expect("a folder");
    let other = format!("sqlite://{}", dir.path().join("other.sqlite").display());
    let copy =
        format!("copy-conversation --conversation-id {id} --include-chunks --json --dest-db");
    let there = scaled.command(&format!("{copy} {other}")).await;
    assert_eq!(there["import"]["accepted"], exchanges, "{there}");

    assert_eq!(found(scaled, &id).await, ["PostgreSQL", "NATS"]);
    let erased = scaled.command(&prune).await;
    assert_eq!(erased["exchanges"], exchanges, "{erased}");
    assert_eq!(found(scaled, &id).await, [""; 0], "{erased}");
    assert!(api.request(&id).await.is_err(), "it is gone");
    come_again(scaled, &id, &events).await;

    let here = scaled.secret("database_url").expect("a secret");
    let back = NexusBuilder::plain(&format!("{copy} {}", here.trim())).env("DATABASE_URL", other);
    let back = back.once().await.expect("it runs");
    assert!(back.status.success(), "{back:?}");
    let back: Value = serde_json::from_slice(&back.stdout).expect("JSON");
    assert_eq!(back["import"]["accepted"], exchanges, "{back}");
    assert!(bodies(&api, &id).await == sent, "as they were");
}

/// What client and upstream said, as it is stored.
async fn bodies(api: &Api, id: &str) -> [Vec<u8>; 2] {
    let body = async |part: &str| api.body(id, part).await.expect("a body");
    [body("request").await, body("response").await]
}

/// As out of the journal of a gateway that was killed, once NATS knows the messages no more.
async fn come_again(scaled: &Installation, id: &str, events: &[Message]) {
    assert!(events.len() >= 2, "a request and an answer: {}", events.len());
    let stream = scaled.events().await.expect("NATS answers");
    stream.publish_all_again(events).await.expect("they are taken");
    let api = scaled.api();
    // Behind them.
    oracle::assert_fresh(&api, &scaled.url(), SOON).await;
    oracle::assert_drained(&api, SOON).await;
    assert!(api.request(id).await.is_err(), "it came back");
    assert_eq!(found(scaled, id).await, ["NATS"]);
}

/// The events that the stream holds of an exchange.
async fn about(scaled: &Installation, id: &str) -> Vec<Message> {
    let events = scaled.events().await.expect("NATS answers").all().await.expect("NATS answers");
    let names = |bytes: &[u8]| bytes.windows(id.len()).any(|window| window == id.as_bytes());
    events.into_iter().filter(|event| names(&event.payload)).collect()
}

/// Where an exchange's id stands: in rows of the database, in what the stream still holds.
async fn found(scaled: &Installation, id: &str) -> Vec<&'static str> {
    let mut places = Vec::new();
    if scaled.postgres.dump().expect("it is dumped").contains(id) {
        places.push("PostgreSQL");
    }
    if !about(scaled, id).await.is_empty() {
        places.push("NATS");
    }
    places
}
