//! The claim check: what is too large for one message travels as chunks ahead of it, named by their
//! content. The event comes last, so that whoever has it finds its chunks.

use async_nats::{HeaderMap, jetstream::stream::Stream};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::error::{self, Failed};

/// Largest payload that goes into one message.
const INLINE: usize = 512 << 10;

/// Names of the chunks that follow the payload, in order, separated by commas.
pub(super) const HEADER: &str = "Nexus-Chunks";

/// Chunks fetched at a time.
const FETCHES: usize = 4;

/// A chunk and its name.
pub(super) struct Chunk {
    pub sha256: String,
    pub bytes: Bytes,
}

/// What goes into the message itself, and the chunks before it.
pub(super) fn split(mut wire: Bytes) -> (Bytes, Vec<Chunk>) {
    let head = wire.split_to(wire.len().min(INLINE));
    let mut chunks = Vec::new();
    while !wire.is_empty() {
        let bytes = wire.split_to(wire.len().min(INLINE));
        chunks.push(Chunk { sha256: hex::encode(Sha256::digest(&bytes)), bytes });
    }
    (head, chunks)
}

/// The header that names the chunks.
pub(super) fn header(chunks: &[Chunk]) -> Option<String> {
    let names: Vec<&str> = chunks.iter().map(|chunk| &*chunk.sha256).collect();
    (!names.is_empty()).then(|| names.join(","))
}

/// The names in a message's header.
pub(super) fn names(headers: Option<&HeaderMap>) -> Vec<String> {
    let header = headers.and_then(|headers| headers.get(HEADER));
    header.map_or_else(Vec::new, |names| names.as_str().split(',').map(str::to_owned).collect())
}

/// Fetches the chunks under their subjects, in order.
///
/// # Errors
/// [`Failed::Missing`] when the server says that one is not there or has other bytes.
pub(super) async fn fetch(
    store: &Stream,
    names: &[String],
    subject: impl Fn(&str) -> String,
) -> Result<Vec<Chunk>, Failed> {
    let subjects: Vec<_> = names.iter().map(|name| (name.clone(), subject(name))).collect();
    stream::iter(subjects)
        .map(|(name, subject)| fetch_one(store, name, subject))
        .buffered(FETCHES)
        .try_collect()
        .await
}

async fn fetch_one(store: &Stream, name: String, subject: String) -> Result<Chunk, Failed> {
    let message =
        store.direct_get_last_for_subject(subject).await.map_err(|e| error::of_get(&e, &name))?;
    if hex::encode(Sha256::digest(&message.payload)) != name {
        return Err(Failed::Missing(name));
    }
    Ok(Chunk { sha256: name, bytes: message.payload })
}

/// The whole payload.
pub(super) fn join(head: &Bytes, chunks: &[Chunk]) -> Bytes {
    if chunks.is_empty() {
        return head.clone();
    }
    let len = head.len() + chunks.iter().map(|chunk| chunk.bytes.len()).sum::<usize>();
    let mut whole = BytesMut::with_capacity(len);
    whole.extend_from_slice(head);
    for chunk in chunks {
        whole.extend_from_slice(&chunk.bytes);
    }
    whole.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_split_is_joined_again() {
        for len in [0, 1, INLINE, INLINE + 1, 3 * INLINE + 7] {
            let wire: Bytes = (0..=250).cycle().take(len).collect();
            let (head, chunks) = split(wire.clone());
            assert!(head.len() <= INLINE && chunks.iter().all(|chunk| chunk.bytes.len() <= INLINE));
            assert_eq!(header(&chunks).is_some(), len > INLINE);
            assert_eq!(join(&head, &chunks), wire);
        }
    }
}
