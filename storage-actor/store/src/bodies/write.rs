//! Writes the new parts of a batch of bodies, in the caller's transaction.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use duplicate::duplicate_item;
use sqlx::{Database, Postgres, Row, Sqlite};

use super::{
    KnownContent,
    keyed::{Hash, KeyedBody, KeyedFrame, KeyedNode, KeyedPiece, Shape},
    nodes, packed,
};
use crate::{
    bulk,
    engine::SqlStore,
    error::{Context, Result},
    sql::QueryBuilder,
};

/// What the row of an exchange remembers of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoredBody {
    Segment(i64),
    Framed { frame: i64, node: Option<i64> },
}

/// The largest number of row numbers that storing `bodies` can take.
pub(crate) fn ids_needed(bodies: &[&KeyedBody]) -> usize {
    bodies
        .iter()
        .map(|body| match &body.shape {
            Shape::Whole(_) => 1,
            Shape::Framed { frame, list } => 1 + frame.pieces.len() + 2 * list.len(),
        })
        .sum()
}

/// Finds and writes. One per transaction; [`Writer::remember`] when it is committed.
pub(crate) struct Writer<'a> {
    cache: &'a KnownContent,
    ids: Range<i64>,
    nodes: HashMap<Hash, i64>,
    frames: HashMap<Hash, i64>,
    header_sets: HashMap<Hash, i64>,
}

struct NewNode<'a> {
    id: i64,
    parent: Option<i64>,
    node: &'a KeyedNode,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(cache: &'a KnownContent, ids: Range<i64>) -> Self {
        let (nodes, frames, header_sets) = Default::default();
        Self { cache, ids, nodes, frames, header_sets }
    }

    /// Lets later batches find what this one wrote. Only after the commit.
    pub(crate) fn remember(self) {
        for (hash, id) in self.nodes {
            self.cache.nodes.insert(hash, id);
        }
        for (hash, id) in self.frames {
            self.cache.frames.insert(hash, id);
        }
        for (hash, id) in self.header_sets {
            self.cache.header_sets.insert(hash, id);
        }
    }

    /// A number for a new row. [`ids_needed`] of them were reserved.
    pub(crate) fn id(&mut self) -> i64 {
        self.ids.next().unwrap_or_default()
    }

    /// Whether the number of these headers is known; asks the cache.
    pub(crate) fn knows_headers(&mut self, hash: &Hash) -> bool {
        if !self.header_sets.contains_key(hash)
            && let Some(id) = self.cache.header_sets.get(hash)
        {
            self.header_sets.insert(hash.clone(), id);
        }
        self.header_sets.contains_key(hash)
    }

    pub(crate) fn learn_headers(&mut self, ids: HashMap<Hash, i64>) {
        self.header_sets.extend(ids);
    }

    /// After [`learn_headers`](Self::learn_headers) of it.
    pub(crate) fn header_set(&self, hash: &Hash) -> i64 {
        self.header_sets.get(hash).copied().unwrap_or_default()
    }

    fn look_up<'k>(&mut self, hashes: impl Iterator<Item = &'k Hash>) -> Vec<Hash> {
        let mut missing = HashSet::new();
        for hash in hashes {
            if self.nodes.contains_key(hash) {
                continue;
            }
            match self.cache.nodes.get(hash) {
                Some(id) => drop(self.nodes.insert(hash.clone(), id)),
                None => drop(missing.insert(hash.clone())),
            }
        }
        missing.into_iter().collect()
    }

    /// The nodes that no body before had, each after its parent.
    fn new_nodes<'b>(&mut self, lists: &[&'b [KeyedNode]]) -> Vec<NewNode<'b>> {
        let mut new = Vec::new();
        for list in lists {
            let known = nodes::known_length(list, &self.nodes);
            let mut parent = known.checked_sub(1).and_then(|last| self.node(&list[last].hash));
            for node in &list[known..] {
                let id = self.id();
                self.nodes.insert(node.hash.clone(), id);
                new.push(NewNode { id, parent, node });
                parent = Some(id);
            }
        }
        new
    }

    fn new_frames<'b>(&mut self, frames: &[&'b KeyedFrame]) -> Vec<(i64, &'b KeyedFrame)> {
        let mut new = Vec::new();
        for frame in frames {
            if !self.frames.contains_key(&frame.hash) {
                let id = self.id();
                self.frames.insert(frame.hash.clone(), id);
                new.push((id, *frame));
            }
        }
        new
    }

    fn node(&self, hash: &Hash) -> Option<i64> {
        self.nodes.get(hash).copied()
    }

    fn stored(&self, body: &KeyedBody, segments: &HashMap<Hash, i64>) -> Option<StoredBody> {
        match &body.shape {
            Shape::Whole(piece) => segments.get(&piece.hash).copied().map(StoredBody::Segment),
            Shape::Framed { frame, list } => Some(StoredBody::Framed {
                frame: *self.frames.get(&frame.hash)?,
                node: list.last().and_then(|last| self.node(&last.hash)),
            }),
        }
    }
}

const FIND_NODES: &str = "SELECT hash, node_id FROM nodes WHERE hash IN";
const FIND_FRAMES: &str = "SELECT hash, frame_id FROM frames WHERE hash IN";
const FIND_SEGMENTS: &str = "SELECT hash, segment_id FROM segments WHERE hash IN";
const INSERT_SEGMENTS: &str = "INSERT INTO segments (segment_id, hash, data) ";
const INSERT_NODES: &str = "INSERT INTO nodes (node_id, hash, parent_id, segment_id, patch) ";
const INSERT_FRAMES: &str = "INSERT INTO frames (frame_id, hash, hole) ";
const INSERT_PARTS: &str = "INSERT INTO frame_parts (frame_id, position, segment_id, patch) ";
/// Somebody else was quicker: then what refers to this row's number breaks a foreign key, and the
/// whole transaction is tried again.
const OR_LOSE: &str = " ON CONFLICT DO NOTHING";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// Stores what is new of `bodies` and says what each is made of.
    pub(crate) async fn write_bodies(
        connection: &mut <Engine as Database>::Connection,
        writer: &mut Writer<'_>,
        bodies: &[&KeyedBody],
    ) -> Result<Vec<Option<StoredBody>>> {
        let (mut lists, mut frames, mut pieces) = (Vec::new(), Vec::new(), Vec::new());
        for body in bodies {
            match &body.shape {
                Shape::Whole(piece) => pieces.push(piece),
                Shape::Framed { frame, list } => {
                    frames.push(frame);
                    lists.push(&list[..]);
                }
            }
        }
        Self::find_nodes(connection, writer, &lists).await?;
        Self::find_frames(connection, writer, &frames).await?;
        let new_nodes = writer.new_nodes(&lists);
        let new_frames = writer.new_frames(&frames);
        pieces.extend(new_nodes.iter().map(|new| &new.node.piece));
        pieces.extend(new_frames.iter().flat_map(|(_, frame)| &frame.pieces));
        let segments = Self::write_segments(connection, writer, &pieces).await?;
        Self::write_nodes(connection, &new_nodes, &segments).await?;
        Self::write_frames(connection, &new_frames, &segments).await?;
        Ok(bodies.iter().map(|body| writer.stored(body, &segments)).collect())
    }

    async fn find_nodes(
        connection: &mut <Engine as Database>::Connection,
        writer: &mut Writer<'_>,
        lists: &[&[KeyedNode]],
    ) -> Result<()> {
        let missing = writer.look_up(lists.iter().flat_map(|list| nodes::tail(list)));
        writer.nodes.extend(Self::find(connection, FIND_NODES, &missing).await?);
        let unseen: Vec<_> = lists
            .iter()
            .filter(|list| nodes::known_length(list, &writer.nodes) == 0)
            .flat_map(|list| nodes::rest(list))
            .collect();
        let missing = writer.look_up(unseen.into_iter());
        writer.nodes.extend(Self::find(connection, FIND_NODES, &missing).await?);
        Ok(())
    }

    async fn find_frames(
        connection: &mut <Engine as Database>::Connection,
        writer: &mut Writer<'_>,
        frames: &[&KeyedFrame],
    ) -> Result<()> {
        let mut missing = HashSet::new();
        for frame in frames {
            match writer.cache.frames.get(&frame.hash) {
                Some(id) => drop(writer.frames.insert(frame.hash.clone(), id)),
                None => drop(missing.insert(frame.hash.clone())),
            }
        }
        let missing: Vec<_> = missing.into_iter().collect();
        writer.frames.extend(Self::find(connection, FIND_FRAMES, &missing).await?);
        Ok(())
    }

    /// Row numbers by hash, of those that exist.
    pub(crate) async fn find(
        connection: &mut <Engine as Database>::Connection,
        head: &'static str,
        hashes: &[Hash],
    ) -> Result<HashMap<Hash, i64>> {
        let mut found = HashMap::with_capacity(hashes.len());
        for some in hashes.chunks(bulk::KEYS) {
            let mut query = bulk::in_list::<Engine, _>(head, some, "");
            for row in query.build().fetch_all(&mut *connection).await.context(head)? {
                found.insert(row.try_get(0)?, row.try_get(1)?);
            }
        }
        Ok(found)
    }

    async fn write_segments(
        connection: &mut <Engine as Database>::Connection,
        writer: &mut Writer<'_>,
        pieces: &[&KeyedPiece],
    ) -> Result<HashMap<Hash, i64>> {
        let hashes: HashSet<_> = pieces.iter().map(|piece| &piece.hash).collect();
        let hashes: Vec<_> = hashes.into_iter().cloned().collect();
        let mut ids = Self::find(connection, FIND_SEGMENTS, &hashes).await?;
        let mut new = Vec::new();
        for piece in pieces {
            if !ids.contains_key(&piece.hash) {
                let id = writer.id();
                ids.insert(piece.hash.clone(), id);
                new.push((id, &piece.hash, packed::pack(&piece.bytes)?));
            }
        }
        for rows in new.chunks(bulk::rows(3)) {
            let mut query = QueryBuilder::<Engine>::new(INSERT_SEGMENTS);
            query.push_values(rows, |mut row, (id, hash, data)| {
                row.push_bind(id).push_bind(*hash).push_bind(data);
            });
            query.push(OR_LOSE);
            query
                .build()
                .persistent(false)
                .execute(&mut *connection)
                .await
                .context(INSERT_SEGMENTS)?;
        }
        Ok(ids)
    }

    async fn write_nodes(
        connection: &mut <Engine as Database>::Connection,
        new: &[NewNode<'_>],
        segments: &HashMap<Hash, i64>,
    ) -> Result<()> {
        for rows in new.chunks(bulk::rows(5)) {
            let mut query = QueryBuilder::<Engine>::new(INSERT_NODES);
            query.push_values(rows, |mut row, new| {
                row.push_bind(new.id).push_bind(&new.node.hash).push_bind(new.parent);
                row.push_bind(segments.get(&new.node.piece.hash));
                row.push_bind(new.node.piece.patch());
            });
            query.push(OR_LOSE);
            query
                .build()
                .persistent(false)
                .execute(&mut *connection)
                .await
                .context(INSERT_NODES)?;
        }
        Ok(())
    }

    async fn write_frames(
        connection: &mut <Engine as Database>::Connection,
        new: &[(i64, &KeyedFrame)],
        segments: &HashMap<Hash, i64>,
    ) -> Result<()> {
        for rows in new.chunks(bulk::rows(3)) {
            let mut query = QueryBuilder::<Engine>::new(INSERT_FRAMES);
            query.push_values(rows, |mut row, (id, frame)| {
                row.push_bind(id).push_bind(&frame.hash).push_bind(frame.hole);
            });
            query.push(OR_LOSE);
            query
                .build()
                .persistent(false)
                .execute(&mut *connection)
                .await
                .context(INSERT_FRAMES)?;
        }
        let parts: Vec<_> = new
            .iter()
            .flat_map(|(id, frame)| {
                (0i64..).zip(&frame.pieces).map(move |(at, piece)| (id, at, piece))
            })
            .collect();
        for rows in parts.chunks(bulk::rows(4)) {
            let mut query = QueryBuilder::<Engine>::new(INSERT_PARTS);
            query.push_values(rows, |mut row, (id, position, piece)| {
                row.push_bind(*id).push_bind(position).push_bind(segments.get(&piece.hash));
                row.push_bind(piece.patch());
            });
            query
                .build()
                .persistent(false)
                .execute(&mut *connection)
                .await
                .context(INSERT_PARTS)?;
        }
        Ok(())
    }
}
