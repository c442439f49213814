//! Deliveries that nobody is at work on any more. The server is told, so that they come again at once
//! and not when their acknowledgement is overdue; without a connection it is told after the next one.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_nats::{Client, RequestErrorKind, Subject, jetstream::AckKind};
use futures::{StreamExt, TryStreamExt, stream};

use super::{connect::require_connected, error::unavailable};
use crate::stream::StreamError;

/// Told at a time.
const AT_ONCE: usize = 64;

/// How long all of them may take: a process that ends waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the server waits to hear about them.
#[derive(Debug, Default)]
pub(super) struct GivenUp(Mutex<Vec<Subject>>);

impl GivenUp {
    pub fn add(&self, replies: impl IntoIterator<Item = Subject>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(replies);
    }

    /// Tells the server. When that fails, all are kept for the next time: saying it twice is harmless.
    pub async fn tell(&self, client: &Client) -> Result<(), StreamError> {
        let replies = self.take();
        if replies.is_empty() {
            return Ok(());
        }
        let told = tokio::time::timeout(PATIENCE, nak_all(client, replies.clone())).await;
        let told = told.unwrap_or_else(|_elapsed| Err(unavailable("giving back got no answer")));
        if told.is_err() {
            self.add(replies);
        }
        told
    }

    /// Tells the server for the last time: what it does not take now comes again when it is overdue.
    pub async fn tell_or_forget(&self, client: &Client) {
        if let Err(error) = self.tell(client).await {
            let deliveries = self.take().len();
            tracing::warn!(deliveries, %error, "unsettled deliveries come again only when overdue");
        }
    }

    fn take(&self) -> Vec<Subject> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn nak_all(client: &Client, replies: Vec<Subject>) -> Result<(), StreamError> {
    require_connected(client)?;
    let each = stream::iter(replies).map(|reply| nak(client, reply));
    each.buffer_unordered(AT_ONCE).try_collect().await
}

/// With a reply: what is said into a connection that just died has to be said again.
async fn nak(client: &Client, reply: Subject) -> Result<(), StreamError> {
    match client.request(reply, AckKind::Nak(None).into()).await {
        Ok(_acknowledged) => Ok(()),
        // The consumer was removed, and its deliveries with it.
        Err(error) if error.kind() == RequestErrorKind::NoResponders => Ok(()),
        Err(error) => Err(unavailable(error)),
    }
}
