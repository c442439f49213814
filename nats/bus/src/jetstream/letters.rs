//! Dead letters: a stream of their own, the reason in the headers.

use async_nats::jetstream::{message::PublishMessage, message::StreamMessage, stream::Stream};
use bytes::Bytes;
use jiff::Timestamp;

use super::{
    Server,
    chunks::{self, Chunk},
    error::{self, Failed, unavailable},
    topology::{self, LETTER_CHUNKS, LETTERS},
};
use crate::stream::{DeadLetter, Page, StreamError};

const CONSUMER: &str = "Nexus-Consumer";
const REASON: &str = "Nexus-Reason";
const KIND: &str = "Nexus-Kind";
const ATTEMPTS: &str = "Nexus-Attempts";
const MESSAGE_ID: &str = "Nexus-Message-Id";

/// Sequences looked at for one page: letters that were dropped leave holes.
const MAX_LOOK: u64 = 10_000;

/// Longest reason that is kept, in characters.
const MAX_REASON: usize = 1_000;

/// A delivery that becomes a dead letter.
pub(super) struct Rejected<'a> {
    pub consumer: &'a str,
    pub message_id: &'a str,
    pub kind: &'a str,
    pub reason: &'a str,
    pub attempts: u32,
    pub payload: Bytes,
    pub chunks: Vec<Chunk>,
}

/// Writes the letter and its chunks, durably. Doing so again soon changes nothing.
pub(super) async fn write(server: &Server, letter: Rejected<'_>) -> Result<(), StreamError> {
    for chunk in &letter.chunks {
        let subject =
            topology::letter_chunk_subject(letter.consumer, letter.message_id, &chunk.sha256);
        let message = PublishMessage::build().payload(chunk.bytes.clone());
        server.publish(subject, message).await?;
    }
    let reason: String = letter.reason.chars().filter(|c| !c.is_control()).collect();
    let reason: String = reason.chars().take(MAX_REASON).collect();
    let mut message = PublishMessage::build()
        .payload(letter.payload)
        .message_id(format!("dead.{}.{}", letter.consumer, letter.message_id))
        .header(CONSUMER, letter.consumer)
        .header(REASON, reason.as_str())
        .header(KIND, letter.kind)
        .header(ATTEMPTS, letter.attempts.to_string().as_str())
        .header(MESSAGE_ID, letter.message_id);
    if let Some(names) = chunks::header(&letter.chunks) {
        message = message.header(chunks::HEADER, names.as_str());
    }
    server.publish(topology::letter_subject(letter.consumer), message).await
}

/// Newest first, below the sequence `below`.
pub(super) async fn list(
    server: &Server,
    below: Option<u64>,
    limit: usize,
) -> Result<Page<DeadLetter>, StreamError> {
    let store = server.stream(LETTERS).await?;
    let state = store.get_info().await.map_err(unavailable)?.state;
    let newest = below.map_or(state.last_sequence, |below| below.saturating_sub(1));
    let oldest = state.first_sequence.max(newest.saturating_sub(MAX_LOOK));
    let mut items = Vec::new();
    let mut next_cursor = None;
    for sequence in (oldest.max(1)..=newest).rev() {
        if items.len() == limit {
            next_cursor = Some((sequence + 1).to_string());
            break;
        }
        items.extend(find_stored(&store, sequence).await?.map(|message| letter(&message)));
    }
    Ok(Page { items, next_cursor })
}

pub(super) async fn find(
    server: &Server,
    sequence: u64,
) -> Result<Option<DeadLetter>, StreamError> {
    let store = server.stream(LETTERS).await?;
    let Some(message) = find_stored(&store, sequence).await? else { return Ok(None) };
    let mut letter = letter(&message);
    let parts = chunks_of(server, &letter, &message).await?;
    letter.payload = chunks::join(&message.payload, &parts);
    Ok(Some(letter))
}

pub(super) async fn requeue(server: &Server, sequence: u64) -> Result<bool, StreamError> {
    let Some(letter) = find(server, sequence).await? else { return Ok(false) };
    let message_id = format!("requeued.{sequence}.{}", letter.message_id);
    let subject = topology::requeue_subject(&letter.consumer);
    server.publish_wire(subject, &message_id, letter.payload.clone()).await?;
    remove(server, sequence, &letter).await
}

pub(super) async fn forget(server: &Server, sequence: u64) -> Result<bool, StreamError> {
    let store = server.stream(LETTERS).await?;
    match find_stored(&store, sequence).await? {
        Some(message) => remove(server, sequence, &letter(&message)).await,
        None => Ok(false),
    }
}

async fn remove(server: &Server, sequence: u64, letter: &DeadLetter) -> Result<bool, StreamError> {
    let store = server.stream(LETTERS).await?;
    store.delete_message(sequence).await.map_err(unavailable)?;
    let chunks = server.stream(LETTER_CHUNKS).await?;
    let all = topology::letter_chunk_subject(&letter.consumer, &letter.message_id, "*");
    chunks.purge().filter(all).await.map_err(unavailable)?;
    Ok(true)
}

async fn find_stored(store: &Stream, sequence: u64) -> Result<Option<StreamMessage>, StreamError> {
    match store.direct_get(sequence).await {
        Ok(message) => Ok(Some(message)),
        Err(failed) => match error::of_get(&failed, "dead letter") {
            Failed::Missing(_) => Ok(None),
            Failed::Stream(error) => Err(error),
        },
    }
}

async fn chunks_of(
    server: &Server,
    letter: &DeadLetter,
    message: &StreamMessage,
) -> Result<Vec<Chunk>, StreamError> {
    let names = chunks::names(Some(&message.headers));
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let store = server.stream(LETTER_CHUNKS).await?;
    let subject =
        |name: &str| topology::letter_chunk_subject(&letter.consumer, &letter.message_id, name);
    chunks::fetch(&store, &names, subject).await.map_err(|failed| match failed {
        Failed::Missing(name) => {
            StreamError::Refused(format!("chunk {name} of the dead letter is missing"))
        }
        Failed::Stream(error) => error,
    })
}

fn letter(message: &StreamMessage) -> DeadLetter {
    let header = |name: &str| {
        message.headers.get(name).map_or_else(String::new, |value| value.as_str().to_owned())
    };
    let micros = i64::try_from(message.time.unix_timestamp_nanos() / 1_000).unwrap_or(0);
    DeadLetter {
        id: message.sequence.to_string(),
        consumer: header(CONSUMER),
        message_id: header(MESSAGE_ID),
        kind: header(KIND),
        reason: header(REASON),
        attempts: header(ATTEMPTS).parse().unwrap_or(0),
        at: Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH),
        payload: Bytes::new(),
    }
}
