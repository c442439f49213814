//! The event stream as somebody sees it who speaks NATS and knows nothing of Nexus.

use anyhow::Context as _;
use async_nats::{
    ConnectOptions, HeaderMap,
    jetstream::{self, Context},
};
use bytes::Bytes;

const STREAM: &str = "NEXUS_EVENTS";
const ID: &str = "Nats-Msg-Id";

/// A connection to the stream.
pub struct Events(Context);

/// One message as the stream holds it.
#[derive(Debug, Clone)]
pub struct Message {
    pub subject: String,
    headers: HeaderMap,
    pub payload: Bytes,
}

impl Events {
    /// Connects to the first of the servers in a URL as Nexus has it.
    pub async fn connect(urls: &str) -> anyhow::Result<Self> {
        let url = urls.split(',').next().unwrap_or(urls);
        let (user, host) = url.trim_start_matches("nats://").split_once('@').context("a user")?;
        let (user, password) = user.split_once(':').context("a password")?;
        let options = ConnectOptions::with_user_and_password(user.into(), password.into());
        Ok(Self(jetstream::new(options.connect(host).await?)))
    }

    /// Publishes bytes as an event of a kind.
    pub async fn publish(&self, kind: &str, id: &str, payload: Bytes) -> anyhow::Result<()> {
        let (subject, headers) = (format!("nexus.events.{kind}"), HeaderMap::new());
        self.publish_again(&Message { subject, headers, payload }, id).await
    }

    /// Publishes a message once more under another id, so that the server takes it for a new one.
    pub async fn publish_again(&self, message: &Message, id: &str) -> anyhow::Result<()> {
        let mut headers = message.headers.clone();
        headers.insert(ID, id);
        let (subject, payload) = (message.subject.clone(), message.payload.clone());
        self.0.publish_with_headers(subject, headers, payload).await?.await?;
        Ok(())
    }

    /// Every event that the stream still holds.
    pub async fn all(&self) -> anyhow::Result<Vec<Message>> {
        let stream = self.0.get_stream(STREAM).await?;
        let state = stream.get_info().await?.state;
        let mut all = Vec::new();
        for sequence in state.first_sequence..=state.last_sequence {
            // Removed ones leave holes.
            let Ok(message) = stream.get_raw_message(sequence).await else { continue };
            let (subject, headers) = (message.subject.to_string(), message.headers);
            all.push(Message { subject, headers, payload: message.payload });
        }
        Ok(all)
    }
}
