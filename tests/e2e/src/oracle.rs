//! Holds what was stored against what the clients saw.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::ledger::{Ledger, Sent};
use crate::payload::Payload;
use crate::{Api, wait};

/// What an audit found. All lists are of exchange ids, or of payload numbers where there is no id.
#[derive(Debug, Default)]
pub struct Report {
    pub issued: usize,
    pub completed: usize,
    pub stored: usize,
    /// Captured in part: the client saw a head and no end.
    pub partial: usize,
    /// Seen whole by a client, and not stored.
    pub missing: Vec<String>,
    /// One request stored as several exchanges.
    pub duplicated: Vec<u64>,
    /// Stored with other bytes than were sent.
    pub corrupted: Vec<String>,
    /// Stored, and never sent.
    pub spurious: Vec<String>,
    /// Stored with a state that does not fit.
    pub misjudged: Vec<String>,
}

impl Report {
    /// # Panics
    /// When anything is wrong.
    pub fn assert_clean(&self) {
        let wrong = self.missing.len()
            + self.duplicated.len()
            + self.corrupted.len()
            + self.spurious.len()
            + self.misjudged.len();
        assert_eq!(wrong, 0, "{self:#?}");
    }
}

/// An exchange with its bodies, as the data API gives it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    request_body: Option<Box<RawValue>>,
    response_body: Option<Box<RawValue>>,
}

/// Waits until everything that clients saw is stored, or the time is over, and compares.
pub async fn audit(api: &Api, ledger: &Ledger, within: Duration) -> anyhow::Result<Report> {
    let sent = ledger.entries();
    let wanted: BTreeSet<&str> = sent.values().filter_map(|sent| sent.id.as_deref()).collect();
    let end = tokio::time::Instant::now() + within;
    let rows = loop {
        let rows = api.requests("").await?;
        let have: BTreeSet<&str> =
            rows.iter().filter_map(|row| row["requestId"].as_str()).collect();
        if wanted.is_subset(&have) || tokio::time::Instant::now() > end {
            break rows;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    compare(api, &sent, &rows).await
}

async fn compare(api: &Api, sent: &BTreeMap<u64, Sent>, rows: &[Value]) -> anyhow::Result<Report> {
    let mut report = Report {
        issued: sent.len(),
        completed: sent.values().filter(|sent| sent.answer.is_some()).count(),
        partial: sent.values().filter(|sent| sent.id.is_some() && sent.answer.is_none()).count(),
        stored: rows.len(),
        ..Report::default()
    };
    let mut numbers = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for row in rows {
        let id = row["requestId"].as_str().unwrap_or_default();
        ids.insert(id.to_owned());
        let stored: Stored = serde_json::from_str(&api.text(&format!("requests/{id}")).await?)?;
        let request = bytes(stored.request_body.as_deref());
        let Some(payload) = Payload::of(&request).filter(|p| sent.contains_key(&p.number)) else {
            report.spurious.push(id.to_owned());
            continue;
        };
        if !numbers.insert(payload.number) {
            report.duplicated.push(payload.number);
        }
        let seen = &sent[&payload.number];
        if request != payload.body() || !same_answer(seen, stored.response_body.as_deref()) {
            report.corrupted.push(id.to_owned());
        }
        if !fits(seen, row) {
            report.misjudged.push(format!("{id}: {} for {seen:?}", row["state"]));
        }
    }
    let whole =
        sent.values().filter(|sent| sent.answer.is_some()).filter_map(|sent| sent.id.clone());
    report.missing = whole.filter(|id| !ids.contains(id)).collect();
    Ok(report)
}

/// The bytes that the API shows: JSON stands as it is, anything else as a string.
fn bytes(raw: Option<&RawValue>) -> String {
    let raw = raw.map_or("", RawValue::get);
    if raw.starts_with('"') {
        serde_json::from_str(raw).unwrap_or_default()
    } else {
        raw.to_owned()
    }
}

fn same_answer(seen: &Sent, stored: Option<&RawValue>) -> bool {
    let Some(expected) = seen.answer else { return true };
    let actual: [u8; 32] = Sha256::digest(bytes(stored)).into();
    actual == expected
}

/// A whole answer was completed, or was the upstream's error; one that broke off may have been
/// captured whole before its last bytes went to the client.
fn fits(seen: &Sent, row: &Value) -> bool {
    let state = row["state"].as_str().unwrap_or_default();
    match (seen.answer.is_some(), seen.status) {
        (true, 200) => state == "completed",
        (true, _) => state == "upstream_error",
        (false, _) => ["aborted", "completed", "upstream_error"].contains(&state),
    }
}

/// Waits until a fresh request is stored: the whole way works again.
///
/// # Panics
/// When it is not stored in time.
pub async fn assert_fresh(api: &Api, url: &str, within: Duration) {
    let ledger = Ledger::default();
    let client = crate::http_client();
    let payload = Payload { number: 1_000_000_000 };
    ledger.issued(payload.number);
    let url = format!("{url}/v1/messages");
    crate::load::exchange(&client, &url, payload, &ledger)
        .await
        .expect("a fresh request is answered");
    let id = ledger.entries()[&payload.number].id.clone().expect("an id");
    wait::until("a fresh exchange", within, || async { api.request(&id).await.ok() }).await;
}
