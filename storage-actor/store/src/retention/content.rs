//! Removes payloads, and the shared content that nothing else refers to.

use std::collections::BTreeSet;

use duplicate::duplicate_item;
use sqlx::{Database, Postgres, Row, Sqlite};
use uuid::Uuid;

use crate::{
    bulk,
    engine::SqlStore,
    error::{Context, Result},
};

const PAYLOADS: &str = "DELETE FROM payloads WHERE exchange_id IN";
const RETURNING_PAYLOADS: &str = " RETURNING request_frame, request_node, request_segment, \
    response_segment, request_header_set, response_header_set";

const FRAMES: &str = "SELECT frame_id FROM frames WHERE NOT EXISTS \
    (SELECT 1 FROM payloads p WHERE p.request_frame = frames.frame_id) AND frame_id IN";
const FRAME_PARTS: &str = "DELETE FROM frame_parts WHERE frame_id IN";
const DROP_FRAMES: &str = "DELETE FROM frames WHERE frame_id IN";

/// A node that ends no body and that no other one follows.
const NODES: &str = "DELETE FROM nodes WHERE NOT EXISTS \
    (SELECT 1 FROM payloads p WHERE p.request_node = nodes.node_id) AND NOT EXISTS \
    (SELECT 1 FROM nodes n WHERE n.parent_id = nodes.node_id) AND node_id IN";

const SEGMENTS: &str = "DELETE FROM segments WHERE NOT EXISTS \
    (SELECT 1 FROM nodes n WHERE n.segment_id = segments.segment_id) AND NOT EXISTS \
    (SELECT 1 FROM frame_parts f WHERE f.segment_id = segments.segment_id) AND NOT EXISTS \
    (SELECT 1 FROM payloads p WHERE p.request_segment = segments.segment_id) AND NOT EXISTS \
    (SELECT 1 FROM payloads p WHERE p.response_segment = segments.segment_id) AND segment_id IN";

const HEADER_SETS: &str = "DELETE FROM header_sets WHERE NOT EXISTS \
    (SELECT 1 FROM payloads p WHERE p.request_header_set = header_sets.header_set_id) AND NOT EXISTS \
    (SELECT 1 FROM payloads p WHERE p.response_header_set = header_sets.header_set_id) \
    AND header_set_id IN";

const DOCUMENTS: &str = "DELETE FROM search_documents WHERE exchange_id IN";
const WORDS: &str = "DELETE FROM search_words WHERE rowid IN";

/// Row numbers of what may have lost its last user.
#[derive(Default)]
struct Orphans {
    frames: BTreeSet<i64>,
    nodes: BTreeSet<i64>,
    segments: BTreeSet<i64>,
    header_sets: BTreeSet<i64>,
}

#[duplicate_item(
    Engine      has_words;
    [Sqlite]    [true];
    [Postgres]  [false];
)]
impl SqlStore<Engine> {
    /// Removes the payloads and search texts of `ids`; gives how many payloads there were.
    pub(super) async fn drop_payloads(
        connection: &mut <Engine as Database>::Connection,
        ids: &[Uuid],
    ) -> Result<u64> {
        let documents: Vec<i64> =
            Self::returned(connection, DOCUMENTS, ids, " RETURNING document_id").await?;
        if has_words {
            Self::execute_for(connection, WORDS, &documents).await?;
        }
        let mut orphans = Orphans::default();
        let mut count = 0;
        for some in ids.chunks(bulk::KEYS) {
            let mut query = bulk::in_list::<Engine, _>(PAYLOADS, some, RETURNING_PAYLOADS);
            for row in query.build().fetch_all(&mut *connection).await.context(PAYLOADS)? {
                count += 1;
                orphans.frames.extend(row.try_get::<Option<i64>, _>(0)?);
                orphans.nodes.extend(row.try_get::<Option<i64>, _>(1)?);
                for column in [2, 3] {
                    orphans.segments.extend(row.try_get::<Option<i64>, _>(column)?);
                }
                for column in [4, 5] {
                    orphans.header_sets.extend(row.try_get::<Option<i64>, _>(column)?);
                }
            }
        }
        Self::drop_orphans(connection, orphans).await?;
        Ok(count)
    }

    async fn drop_orphans(
        connection: &mut <Engine as Database>::Connection,
        mut orphans: Orphans,
    ) -> Result<()> {
        let frames: Vec<_> = orphans.frames.into_iter().collect();
        let frames: Vec<i64> = Self::returned(connection, FRAMES, &frames, "").await?;
        let parts = Self::returned(connection, FRAME_PARTS, &frames, " RETURNING segment_id");
        orphans.segments.extend(parts.await?);
        Self::execute_for(connection, DROP_FRAMES, &frames).await?;
        // From the end of each history up, as far as nobody shares it.
        while !orphans.nodes.is_empty() {
            let nodes: Vec<_> = std::mem::take(&mut orphans.nodes).into_iter().collect();
            for some in nodes.chunks(bulk::KEYS) {
                let mut query =
                    bulk::in_list::<Engine, _>(NODES, some, " RETURNING parent_id, segment_id");
                for row in query.build().fetch_all(&mut *connection).await.context(NODES)? {
                    orphans.nodes.extend(row.try_get::<Option<i64>, _>(0)?);
                    orphans.segments.insert(row.try_get(1)?);
                }
            }
        }
        let segments: Vec<_> = orphans.segments.into_iter().collect();
        Self::execute_for(connection, SEGMENTS, &segments).await?;
        let sets: Vec<_> = orphans.header_sets.into_iter().collect();
        Self::execute_for(connection, HEADER_SETS, &sets).await
    }

    /// The numbers that `statement`, which ends in `IN`, gives for all `keys`.
    async fn returned<K>(
        connection: &mut <Engine as Database>::Connection,
        statement: &'static str,
        keys: &[K],
        tail: &'static str,
    ) -> Result<Vec<i64>>
    where
        K: bulk::Key<Engine> + Sync,
    {
        let mut numbers = Vec::new();
        for some in keys.chunks(bulk::KEYS) {
            let mut query = bulk::in_list::<Engine, K>(statement, some, tail);
            let found = query.build_query_scalar().fetch_all(&mut *connection).await;
            numbers.append(&mut found.context(statement)?);
        }
        Ok(numbers)
    }
}
