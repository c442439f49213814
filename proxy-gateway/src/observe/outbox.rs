//! Messages to other services: a bounded queue, tried again with growing pauses, never waited for.

use std::{sync::Arc, time::Duration};

use metrics::counter;
use reqwest::{Client, StatusCode, header::RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

/// Messages that wait at most; further ones are dropped and counted.
const MAX_WAITING: usize = 512;

/// Messages that are on their way at a time, so that one dead address doesn't hold up the others.
const SENDERS: usize = 4;

const TRIES: u32 = 5;
const TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// One POST.
pub struct Message {
    /// `slack` or `telemetry`.
    pub kind: &'static str,
    pub url: SecretString,
    pub body: Value,
}

/// Where messages are put.
#[derive(Clone)]
pub struct Outbox(mpsc::Sender<Message>);

/// What the senders read.
pub struct Letters(mpsc::Receiver<Message>);

pub fn outbox() -> (Outbox, Letters) {
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    (Outbox(sender), Letters(receiver))
}

impl Outbox {
    pub fn put(&self, message: Message) {
        let kind = message.kind;
        if self.0.try_send(message).is_err() {
            count(kind, "dropped");
        }
    }
}

/// Sends for as long as it is polled.
pub async fn send_all(letters: Letters, http: Client) {
    let letters = Arc::new(Mutex::new(letters.0));
    let senders = (0..SENDERS).map(|_| send_some(letters.clone(), http.clone()));
    futures::future::join_all(senders).await;
}

async fn send_some(letters: Arc<Mutex<mpsc::Receiver<Message>>>, http: Client) {
    loop {
        let next = letters.lock().await.recv().await;
        let Some(message) = next else { return };
        let outcome = if deliver(&message, &http).await { "sent" } else { "failed" };
        count(message.kind, outcome);
    }
}

async fn deliver(message: &Message, http: &Client) -> bool {
    let mut pause = FIRST_PAUSE;
    for _try in 0..TRIES {
        match post(message, http).await {
            Sent::Done => return true,
            Sent::Never(status) => {
                tracing::warn!(kind = message.kind, %status, "a message was refused");
                return false;
            }
            Sent::Later(asked) => tokio::time::sleep(asked.unwrap_or(pause).min(MAX_PAUSE)).await,
        }
        pause *= 2;
    }
    tracing::warn!(kind = message.kind, "a message could not be sent");
    false
}

enum Sent {
    Done,
    /// Trying again won't help.
    Never(StatusCode),
    Later(Option<Duration>),
}

async fn post(message: &Message, http: &Client) -> Sent {
    let request = http.post(message.url.expose_secret()).timeout(TIMEOUT).json(&message.body);
    let Ok(response) = request.send().await else { return Sent::Later(None) };
    let status = response.status();
    if status.is_success() {
        return Sent::Done;
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        let asked = response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok());
        return Sent::Later(asked.and_then(|text| text.parse().ok()).map(Duration::from_secs));
    }
    Sent::Never(status)
}

fn count(kind: &'static str, outcome: &'static str) {
    counter!("nexus_gateway_messages_total", "kind" => kind, "outcome" => outcome).increment(1);
}
