//! What becomes of events that can't be stored, now or ever.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use nexus_bus::Verdict;
use nexus_contract::{Body, Event, ExchangeId, Payload};
use nexus_messages::line::parse_line;
use nexus_store::{
    ExchangeStore, Result, StoreError,
    exchanges::{self, ExchangePart, ExchangeRow},
    testing,
};

use crate::role::Role;

fn exchange(number: u32) -> (Event, Event) {
    let line = format!(
        r#"{{"id":"{number}","at":"2026-11-23T09:14:59Z","domain":"d","request":{{"body":{{"n":{number}}}}},"response":{{"status":200,"body":"x"}}}}"#
    );
    parse_line(&line).expect("an exchange")
}

fn refused() -> StoreError {
    StoreError::Rejected("cannot be".to_owned())
}

fn down() -> StoreError {
    StoreError::File(std::io::Error::other("the store is down"))
}

/// Refuses some exchanges, or all for now.
struct Faulty {
    poison: ExchangeId,
    is_down: Mutex<bool>,
    stored: Mutex<Vec<ExchangeId>>,
}

#[async_trait]
impl ExchangeStore for Faulty {
    async fn write_exchanges(&self, parts: &[ExchangePart]) -> Result<Vec<ExchangeRow>> {
        if *self.is_down.lock().expect("no panic") {
            return Err(down());
        }
        if parts.iter().any(|part| part.id == self.poison) {
            return Err(refused());
        }
        self.stored.lock().expect("no panic").extend(parts.iter().map(|part| part.id));
        Ok(Vec::new())
    }

    async fn apply_links(&self, _ids: &[ExchangeId]) -> Result<Vec<ExchangeRow>> {
        Err(down())
    }

    async fn find_exchange(&self, _id: ExchangeId) -> Result<Option<ExchangeRow>> {
        Ok(None)
    }

    async fn find_payload(&self, _id: ExchangeId) -> Result<Option<exchanges::Payload>> {
        Ok(None)
    }

    async fn list_payloads(&self, _ids: &[ExchangeId]) -> Result<Vec<exchanges::Recorded>> {
        Ok(Vec::new())
    }

    async fn find_usage(&self, _id: ExchangeId) -> Result<Option<String>> {
        Ok(None)
    }
}

fn faulty(poison: ExchangeId) -> Arc<Faulty> {
    Arc::new(Faulty { poison, is_down: Mutex::new(false), stored: Mutex::default() })
}

#[tokio::test]
async fn a_poison_event_does_not_sink_its_batch() {
    let events: Vec<_> = (1..=5).map(|number| exchange(number).0).collect();
    let store = faulty(events[2].envelope.id);
    let verdicts = Role::on(store.clone()).handle(events.clone()).await;
    for (index, verdict) in verdicts.iter().enumerate() {
        assert_eq!(matches!(verdict, Verdict::Failed(_)), index == 2, "{verdicts:?}");
    }
    assert_eq!(store.stored.lock().expect("no panic").len(), 4);
}

#[tokio::test]
async fn a_store_that_is_down_costs_no_delivery() {
    let (request, response) = exchange(1);
    let store = faulty(exchange(2).0.envelope.id);
    *store.is_down.lock().expect("no panic") = true;
    let mut linked = request.clone();
    linked.envelope.payload = Payload::Linked(nexus_contract::Linked {
        exchanges: vec![request.envelope.id],
        revision: 1,
    });
    let verdicts = Role::on(store).handle(vec![request, response, linked]).await;
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Later(_))), "{verdicts:?}");
}

#[tokio::test]
async fn a_damaged_body_is_rejected_and_its_neighbour_stored() {
    let store = testing::sqlite().await;
    let (mut damaged, good) = exchange(1);
    let body = damaged.body.as_ref().expect("a body");
    damaged.body = Some(Body::from_parts(Bytes::from_static(b"junk"), body.len(), *body.sha256()));
    let id = good.envelope.id;
    let verdicts = Role::on(store.store.clone()).handle(vec![damaged, good]).await;
    assert!(matches!(verdicts[0], Verdict::Reject(_)), "{verdicts:?}");
    assert_eq!(verdicts[1], Verdict::Done);
    assert!(store.find_exchange(id).await.expect("read").is_some());
}
