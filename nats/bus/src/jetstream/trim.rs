//! Removing what every consumer has settled. The server would do it by age or by interest; neither
//! says "read by all, and kept a while for those who come later".

use async_nats::jetstream::{consumer, stream::Stream};
use futures::TryStreamExt;

use super::{
    Server,
    error::unavailable,
    topology::{CHUNKS, EVENTS},
};
use crate::stream::StreamError;

/// A chunk is published moments before its event. Those that are this much older than the oldest
/// event belong to none any more. In seconds.
const CHUNK_MARGIN: i64 = 3_600;

/// Chunks removed in one round.
const MAX_CHUNKS: usize = 1_000;

/// Removes the oldest settled events until about `target` bytes are left, and the chunks of events
/// that are gone.
pub(super) async fn trim(server: &Server, target: u64) -> Result<(), StreamError> {
    let events = server.stream(EVENTS).await?;
    let state = events.get_info().await.map_err(unavailable)?.state;
    if state.bytes > target && state.messages > 0 {
        let floor = floor(&events, state.last_sequence).await?;
        let each = (state.bytes / state.messages).max(1);
        let excess = (state.bytes - target).div_ceil(each);
        let upto = floor.min(state.first_sequence.saturating_add(excess).saturating_sub(1));
        if upto >= state.first_sequence {
            events.purge().sequence(upto + 1).await.map_err(unavailable)?;
        }
    }
    trim_chunks(server, &events).await
}

/// Everything up to here is settled by every consumer there is; 0 without one.
async fn floor(events: &Stream, last: u64) -> Result<u64, StreamError> {
    let consumers: Vec<consumer::Info> =
        events.consumers().try_collect().await.map_err(unavailable)?;
    let floors = consumers.iter().map(|consumer| {
        let is_idle = consumer.num_pending == 0 && consumer.num_ack_pending == 0;
        // What a consumer does not want never moves its floor.
        if is_idle { last } else { consumer.ack_floor.stream_sequence }
    });
    Ok(floors.min().unwrap_or(0))
}

async fn trim_chunks(server: &Server, events: &Stream) -> Result<(), StreamError> {
    let oldest = events.get_info().await.map_err(unavailable)?.state;
    if oldest.messages == 0 {
        return Ok(());
    }
    let limit = oldest.first_timestamp.unix_timestamp() - CHUNK_MARGIN;
    let chunks = server.stream(CHUNKS).await?;
    for _ in 0..MAX_CHUNKS {
        let state = chunks.get_info().await.map_err(unavailable)?.state;
        if state.messages == 0 || state.first_timestamp.unix_timestamp() >= limit {
            break;
        }
        chunks.purge().sequence(state.first_sequence + 1).await.map_err(unavailable)?;
    }
    Ok(())
}
