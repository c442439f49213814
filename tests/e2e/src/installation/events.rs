//! The event stream as somebody sees it who speaks NATS and knows nothing of Nexus.

use anyhow::Context as _;
use async_nats::{
    ConnectOptions, HeaderMap,
    jetstream::{self, Context},
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future, stream};

const STREAM: &str = "NEXUS_EVENTS";
const ID: &str = "Nats-Msg-Id";
/// Messages asked for, or published, at once.
const AT_ONCE: usize = 16;

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

    /// All of these once more, about in this order.
    pub async fn publish_all_again(&self, messages: &[Message]) -> anyhow::Result<()> {
        let again = messages.iter().enumerate().map(|(number, message)| async move {
            self.publish_again(message, &format!("again-{number}")).await
        });
        stream::iter(again).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Every event that the stream still holds.
    pub async fn all(&self) -> anyhow::Result<Vec<Message>> {
        let events = self.0.get_stream(STREAM).await?;
        let state = events.get_info().await?.state;
        let events = &events;
        let numbers = state.first_sequence..=state.last_sequence;
        let asked = numbers.map(|number| async move { events.get_raw_message(number).await.ok() });
        // Removed ones leave holes.
        let found = stream::iter(asked).buffered(AT_ONCE).filter_map(future::ready);
        let whole = found.map(|message| Message {
            subject: message.subject.to_string(),
            headers: message.headers,
            payload: message.payload,
        });
        Ok(whole.collect().await)
    }
}
