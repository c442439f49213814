//! A steady load of numbered requests that goes on whatever happens to the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::ledger::Ledger;
use crate::payload::Payload;
use crate::wait;

/// After a refused connection.
const PAUSE: Duration = Duration::from_millis(10);

/// Clients at work. Stop them with [`Load::finish`].
#[derive(Debug)]
pub struct Load {
    ledger: Arc<Ledger>,
    stop: CancellationToken,
    workers: JoinSet<()>,
}

impl Load {
    /// So many clients, each sending one request after the other. Without a pause between requests,
    /// or with one.
    pub fn start(url: &str, clients: usize, pause: Duration) -> Self {
        let ledger = Arc::new(Ledger::default());
        let stop = CancellationToken::new();
        let next = Arc::new(AtomicU64::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..clients {
            let url = format!("{url}/v1/messages");
            workers.spawn(work(url, ledger.clone(), next.clone(), stop.clone(), pause));
        }
        Self { ledger, stop, workers }
    }

    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Waits until so many more answers have come whole.
    ///
    /// # Panics
    /// When they have not in time.
    pub async fn more(&self, answers: usize, within: Duration) {
        let enough = self.ledger.completed() + answers;
        let what = format!("{answers} more answers");
        wait::until(&what, within, async || (self.ledger.completed() >= enough).then_some(()))
            .await;
    }

    /// Lets the requests in flight end, and sends no more.
    pub async fn finish(self) -> Arc<Ledger> {
        self.stop.cancel();
        self.workers.join_all().await;
        self.ledger
    }
}

async fn work(
    url: String,
    ledger: Arc<Ledger>,
    next: Arc<AtomicU64>,
    stop: CancellationToken,
    pause: Duration,
) {
    let client = crate::http_client();
    while !stop.is_cancelled() {
        let payload = Payload { number: next.fetch_add(1, Ordering::Relaxed) };
        ledger.issued(payload.number);
        if exchange(&client, &url, payload, &ledger).await.is_err() {
            tokio::time::sleep(PAUSE).await;
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
}

/// The headers that every client of the API sends.
pub fn with_headers(request: RequestBuilder) -> RequestBuilder {
    let headers = [
        ("content-type", "application/json"),
        ("anthropic-version", "2023-06-01"),
        ("x-api-key", crate::clients::CLIENT_KEY),
    ];
    headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// One request; what came of it stands in the ledger, also when it fails half-way.
pub async fn exchange(
    client: &Client,
    url: &str,
    payload: Payload,
    ledger: &Ledger,
) -> reqwest::Result<()> {
    let request = client.post(url).body(payload.body()).timeout(Duration::from_mins(1));
    let mut answer = with_headers(request).send().await?;
    let id = answer.headers().get("x-nexus-request-id").and_then(|id| id.to_str().ok());
    ledger.head(payload.number, id, answer.status().as_u16());
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => {
                ledger.broke_off(payload.number, body);
                return Err(error);
            }
        }
    }
    ledger.done(payload.number, &body);
    Ok(())
}
