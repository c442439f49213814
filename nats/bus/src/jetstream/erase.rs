//! Erasing: every message about some exchanges, in whichever stream.

use std::{collections::BTreeSet, time::Duration};

use async_nats::{
    HeaderMap,
    jetstream::{consumer::pull, stream::Stream},
};
use futures::TryStreamExt;

use super::{
    Server, chunks,
    error::unavailable,
    letters,
    topology::{self, CHUNKS, EVENTS, LETTERS},
};
use crate::{erase::Exchanges, stream::StreamError};

/// How long the next message of a stream may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a stream holds of them, and what the other messages need.
#[derive(Default)]
struct Found {
    sequences: Vec<u64>,
    chunks: BTreeSet<String>,
    chunks_of_others: BTreeSet<String>,
}

/// Removes them; gives how many events and dead letters there were. When it fails, another try finds
/// the rest.
pub(super) async fn erase(server: &Server, exchanges: &Exchanges) -> Result<u64, StreamError> {
    let store = server.stream(CHUNKS).await?;
    // A chunk that comes later belongs to an event that the search may not see.
    let newest_chunk = store.get_info().await.map_err(unavailable)?.state.last_sequence;
    let events = server.stream(EVENTS).await?;
    let found = search(&events, exchanges).await?;
    for name in found.chunks.difference(&found.chunks_of_others) {
        let purge = store.purge().filter(topology::chunk_subject(name));
        purge.sequence(newest_chunk + 1).await.map_err(unavailable)?;
    }
    // After their chunks: they are the only ones that know these.
    for sequence in &found.sequences {
        events.delete_message(*sequence).await.map_err(unavailable)?;
    }
    let dead = search(&server.stream(LETTERS).await?, exchanges).await?.sequences;
    for sequence in &dead {
        letters::forget(server, *sequence).await?;
    }
    Ok((found.sequences.len() + dead.len()) as u64)
}

/// Goes through the headers of all that is in the stream.
async fn search(stream: &Stream, exchanges: &Exchanges) -> Result<Found, StreamError> {
    if stream.get_info().await.map_err(unavailable)?.state.messages == 0 {
        return Ok(Found::default());
    }
    let config = pull::OrderedConfig { headers_only: true, ..pull::OrderedConfig::default() };
    let consumer = stream.create_consumer(config).await.map_err(unavailable)?;
    let name = consumer.cached_info().name.clone();
    let messages = consumer.messages().await.map_err(unavailable)?;
    let found = read(messages, exchanges).await;
    // It would go by itself, but be among the consumers of the Pipeline page until then.
    if let Err(error) = stream.delete_consumer(&name).await {
        tracing::debug!(%error, name, "the server removes the consumer of a search by itself");
    }
    found
}

async fn read(mut messages: pull::Ordered, exchanges: &Exchanges) -> Result<Found, StreamError> {
    let mut found = Found::default();
    loop {
        let next = match tokio::time::timeout(PATIENCE, messages.try_next()).await {
            Ok(next) => next.map_err(unavailable)?,
            Err(_elapsed) => return Err(unavailable("the stream's messages don't come")),
        };
        let Some(message) = next else { return Ok(found) };
        let info = message.info().map_err(unavailable)?;
        found.add(info.stream_sequence, message.headers.as_ref(), exchanges);
        if info.pending == 0 {
            return Ok(found);
        }
    }
}

impl Found {
    fn add(&mut self, sequence: u64, headers: Option<&HeaderMap>, exchanges: &Exchanges) {
        let message_id = headers.and_then(|headers| headers.get("Nats-Msg-Id"));
        if message_id.is_some_and(|id| exchanges.own(id.as_str())) {
            self.sequences.push(sequence);
            self.chunks.extend(chunks::names(headers));
        } else {
            self.chunks_of_others.extend(chunks::names(headers));
        }
    }
}
