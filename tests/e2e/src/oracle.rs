//! Holds what was stored against what the clients saw.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use futures::TryStreamExt;
use serde_json::Value;
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
    /// Stored as broken off.
    pub aborted: usize,
    /// Of those, the ones of whose answer both the client and the store have bytes.
    pub compared: usize,
    /// Requests whose client got no whole answer from a gateway.
    pub client_errors: usize,
    /// Seen whole by a client, and not stored.
    pub missing: Vec<String>,
    /// One request stored as several exchanges.
    pub duplicated: Vec<u64>,
    /// Stored with other bytes than were sent.
    pub corrupted: Vec<String>,
    /// Stored, and never sent.
    pub spurious: Vec<String>,
    /// Seen whole, but killed before the journal's writer had the last frames: the only loss that
    /// is allowed, and that seldom.
    pub late: Vec<String>,
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
        assert_eq!(wrong, 0, "{self:?}");
        let allowed = self.completed.div_ceil(10_000);
        assert!(self.late.len() <= allowed, "late: {} of {}", self.late.len(), self.completed);
    }
}

/// Waits until everything that clients saw is stored, or the time is over, and compares.
pub async fn audit(api: &Api, ledger: &Ledger, within: Duration) -> anyhow::Result<Report> {
    audit_beside(api, ledger, within, &BTreeSet::new()).await
}

/// The same beside exchanges that have nothing to do with this load.
pub async fn audit_beside(
    api: &Api,
    ledger: &Ledger,
    within: Duration,
    others: &BTreeSet<String>,
) -> anyhow::Result<Report> {
    let sent = ledger.entries();
    let wanted: BTreeSet<&str> = sent.values().filter_map(|sent| sent.id.as_deref()).collect();
    let end = tokio::time::Instant::now() + within;
    while tokio::time::Instant::now() < end {
        // Either half may be stored first; when the answer's is, both are in the stream. The list is
        // long, and is asked for only when nothing is on its way to it.
        if api.is_drained().await && have_ended(api, &wanted).await? && api.is_drained().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let mut rows = api.requests("").await?;
    rows.retain(|row| row["requestId"].as_str().is_some_and(|id| !others.contains(id)));
    let mut audit = Audit { sent: &sent, report: Report::of(&sent), numbers: BTreeSet::new() };
    let mut whole = pin!(api.with_bodies(&rows));
    while let Some((row, [request, answer])) = whole.try_next().await? {
        audit.row(row, &request, &answer);
    }
    Ok(audit.finish(&rows))
}

async fn have_ended(api: &Api, wanted: &BTreeSet<&str>) -> anyhow::Result<bool> {
    let rows = api.requests("").await?;
    let ended = rows.iter().filter(|row| !row["state"].is_null());
    let ids: BTreeSet<&str> = ended.filter_map(|row| row["requestId"].as_str()).collect();
    Ok(wanted.is_subset(&ids))
}

struct Audit<'a> {
    sent: &'a BTreeMap<u64, Sent>,
    report: Report,
    numbers: BTreeSet<u64>,
}

impl Audit<'_> {
    /// Compares one stored exchange with what its client sent and saw.
    fn row(&mut self, row: &Value, request: &[u8], answer: &[u8]) {
        let id = row["requestId"].as_str().unwrap_or_default();
        let aborted = row["state"] == "aborted";
        self.report.aborted += usize::from(aborted);
        let text = String::from_utf8_lossy(request);
        let claimed = Payload::of(&text).filter(|p| self.sent.contains_key(&p.number));
        let Some(payload) = claimed else {
            // Killed before the whole request had come; then no client saw an answer.
            let seen = self.sent.values().any(|sent| sent.id.as_deref() == Some(id));
            if seen || !aborted {
                self.report.spurious.push(id.to_owned());
            }
            return;
        };
        if !self.numbers.insert(payload.number) {
            self.report.duplicated.push(payload.number);
        }
        let seen = &self.sent[&payload.number];
        let late = seen.exchanged().is_some() && aborted;
        let both = !seen.partial.is_empty() && !answer.is_empty();
        self.report.compared += usize::from(aborted && both);
        let same_answer = late || same_answer(seen, answer, aborted);
        if !same_request(seen, &text, &payload.body()) || !same_answer {
            self.report.corrupted.push(id.to_owned());
        }
        if late {
            self.report.late.push(id.to_owned());
        } else if !fits(seen, row) {
            self.report.misjudged.push(format!("{id}: {} for {seen:?}", row["state"]));
        }
    }

    fn finish(mut self, rows: &[Value]) -> Report {
        let stored: BTreeSet<&str> =
            rows.iter().filter_map(|row| row["requestId"].as_str()).collect();
        let whole = self.sent.values().filter(|sent| sent.exchanged().is_some());
        let ids = whole.filter_map(|sent| sent.id.clone());
        self.report.missing = ids.filter(|id| !stored.contains(id.as_str())).collect();
        self.report.stored = stored.len();
        self.report
    }
}

impl Report {
    fn of(sent: &BTreeMap<u64, Sent>) -> Self {
        let completed = sent.values().filter(|sent| sent.exchanged().is_some()).count();
        let heads = sent.values().filter(|sent| sent.id.is_some()).count();
        let (issued, partial) = (sent.len(), heads - completed);
        Self { issued, completed, partial, client_errors: issued - completed, ..Self::default() }
    }
}

/// All of it, or what had come when the process was killed.
fn same_request(seen: &Sent, stored: &str, expected: &str) -> bool {
    if seen.id.is_some() { stored == expected } else { expected.starts_with(stored) }
}

/// The bytes that the client saw. Of an answer that broke off they are the beginning of what is
/// stored; of one that a kill broke off, the client may also have had more than the journal.
fn same_answer(seen: &Sent, stored: &[u8], aborted: bool) -> bool {
    if let Some(expected) = seen.exchanged() {
        let actual: [u8; 32] = Sha256::digest(stored).into();
        return actual == expected;
    }
    stored.starts_with(&seen.partial) || (aborted && seen.partial.starts_with(stored))
}

/// A whole answer was completed, or was the upstream's error; one that broke off may have been
/// captured whole before its last bytes went to the client.
fn fits(seen: &Sent, row: &Value) -> bool {
    let state = row["state"].as_str().unwrap_or_default();
    match (seen.exchanged().is_some(), seen.status) {
        (true, 200) => state == "completed",
        (true, _) => state == "upstream_error",
        (false, _) => ["aborted", "completed", "upstream_error"].contains(&state),
    }
}

/// Waits until no consumer has anything left to do.
///
/// # Panics
/// When it has, at the end of the time.
pub async fn assert_drained(api: &Api, within: Duration) {
    wait::until("zero lag", within, async || api.is_drained().await.then_some(())).await;
}

/// The ids of all that is stored.
pub async fn stored(api: &Api) -> anyhow::Result<BTreeSet<String>> {
    let rows = api.requests("").await?;
    Ok(rows.iter().filter_map(|row| row["requestId"].as_str().map(str::to_owned)).collect())
}

/// Waits until a fresh request is stored: the whole way works again. Its id.
///
/// # Panics
/// When it is not stored in time.
pub async fn assert_fresh(api: &Api, url: &str, within: Duration) -> String {
    let ledger = Ledger::default();
    let client = crate::http_client();
    let payload = Payload { number: 1_000_000_000 };
    ledger.issued(payload.number);
    let url = format!("{url}/v1/messages");
    crate::load::exchange(&client, &url, payload, &ledger)
        .await
        .expect("a fresh request is answered");
    let id = ledger.entries()[&payload.number].id.clone().expect("an id");
    wait::until("a fresh exchange", within, async || {
        api.request(&id).await.ok().filter(|row| !row["state"].is_null())
    })
    .await;
    id
}
